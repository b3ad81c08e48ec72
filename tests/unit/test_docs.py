"""The documentation is true: its commands run, its grid files parse, its links lead somewhere."""

from __future__ import annotations

import re
import shutil
import tomllib

import pytest
import typer
from pages import PAGES, ROOT, blocks, commands, files, fits, name
from rich.console import Console

from sweepstake.cli import console, main
from sweepstake.embedded import airflow, credentials, environment, ports
from sweepstake.embedded.layout import Layout
from sweepstake.errors import GridFileError
from sweepstake.gridfile import loader
from sweepstake.settings import load_settings

PACKAGE = ROOT / "src" / "sweepstake"
EVERY_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
FILE = re.compile(r"`((?:\w+/)+\w+\.py)`")
PLACES = (ROOT, PACKAGE)
COMMANDS = typer.main.get_command(main.app)


def grids():
    """Every grid file on a page; a block of comments alone is none."""
    return [
        block for block in blocks("yaml", "json") if re.search(r"^[^#\s]", block.text, re.MULTILINE)
    ]


def identity(item):
    """A readable name for a case."""
    return f"{name(item.page)}: {getattr(item, 'line', None) or item.text.split(chr(10))[0]}"


def is_code(word, page):
    """Whether a page has a word as code; in its prose ``host`` and ``port`` mean something else."""
    return re.search(rf"`[^`\n]*\b{re.escape(word)}\b[^`\n]*`", page) is not None


def anchors(page):
    """The anchors of a page's headings, as web pages of repositories make them."""
    headings = EVERY_HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with the files that commands name: the repository's grids and those on pages."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "grids", folder / "grids")
    shutil.copytree(ROOT / "grids" / "data", folder / "data")
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    for file, text in files():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("shown", [c for c in commands() if c.is_stackless], ids=identity)
@pytest.mark.slow
def test_a_command_without_servers_prints_what_its_page_shows(shown, project, monkeypatch, capsys):
    """Run as a user runs it, a command gives the output below it, and exits 1 only on mistakes."""
    monkeypatch.chdir(project)
    monkeypatch.setattr("sys.argv", ["sweepstake", *shown.words])
    monkeypatch.setattr(console, "out", Console(width=console.WIDTH))
    monkeypatch.setattr(console, "err", Console(width=console.WIDTH, stderr=True))
    with pytest.raises(SystemExit) as ended:
        main.main()
    said = capsys.readouterr()
    refused = re.search(r"^[\w./-]+: line \d+: ", shown.output) is not None
    assert (True, int(refused)) == (fits(shown, said.err + said.out), ended.value.code or 0), said


@pytest.mark.parametrize("shown", [c for c in commands() if not c.is_stackless], ids=identity)
def test_a_command_with_servers_exists_with_its_options(shown):
    """The command line takes the arguments that a page shows."""
    command, *arguments = shown.words
    context = COMMANDS.commands[command].make_context(command, arguments)
    assert command == context.info_name


def test_pages_show_commands_of_both_kinds():
    """The two tests above have something to run, and the end-to-end test too."""
    marked = {shown.words[0] for shown in commands() if shown.mark == "e2e"}
    kinds = {shown.is_stackless for shown in commands()}
    assert ({"submit", "leaderboard", "champion"}, {True, False}) == (marked, kinds)


@pytest.mark.parametrize("block", grids(), ids=identity)
def test_a_grid_file_on_a_page_parses(block):
    """What a page shows as a grid file is one, unless it is marked as refused."""
    file = f"page.{block.language}"
    try:
        loader.parse(block.text.encode(), file, load_settings({}))
        problems = ()
    except GridFileError as error:
        problems = error.problems
    assert block.mark.startswith("refused") or not problems, problems


def test_the_readme_shows_the_example_as_it_is():
    """The first grid file of the README is the file that its commands name."""
    example = (ROOT / "docs/examples/cancer-trees.yaml").read_text(encoding="utf-8")
    shown = next(block.text for block in grids() if block.page.name == "README.md")
    assert (example, 12) == (shown, len(shown.splitlines()))


@pytest.mark.parametrize("command", sorted(COMMANDS.commands))
def test_every_command_has_help_and_is_in_the_readme(command, monkeypatch, capsys):
    """Nobody has to read the code to find a command or what it does."""
    monkeypatch.setattr("sys.argv", ["sweepstake", command, "--help"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    example = f"Example: sweepstake {command}" in capsys.readouterr().out
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (0, True, True) == (ended.value.code or 0, example, f"`{command}`" in readme)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_on_a_page_leads_somewhere(page):
    """A relative link names a file of the repository and, after a hash, a heading in it."""
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert [] == broken


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_python_file_on_a_page_exists(page):
    """A module that a page names is where it says: from the repository, or from the package."""
    named = set(FILE.findall(page.read_text(encoding="utf-8")))
    assert set() == {each for each in named if not any((at / each).exists() for at in PLACES)}


def test_every_page_can_be_reached_from_the_readme():
    """No page of the documentation is an orphan."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        files = {(page.parent / link.partition("#")[0]).resolve() for link in links}
        waiting += [file for file in files & set(PAGES) if file not in reached]
    assert set(PAGES) == reached


def modules_by_package():
    """The names of all modules by their package; those of no package stand under an empty name."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        names = found.setdefault("/".join(file.relative_to(PACKAGE).parts[:-1]), set())
        names |= {file.stem} - {"__init__"}
    return found


def test_the_architecture_is_that_of_the_tree_and_of_the_contract():
    """The page draws the layers that import-linter checks, of exactly the packages there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+?) \|$", text, re.MULTILINE)
    drawn = {package: set(re.findall(r"`(\w+)`", names)) for package, names in rows}
    there = modules_by_package()
    alone = there.pop("")
    assert "```\n" + "\n".join(layers) + "\n```" in text
    assert there == drawn
    assert there.keys() | alone == {name for layer in layers for name in layer.split(" : ")}


def test_every_airflow_setting_of_the_stack_is_explained(tmp_path):
    """The page of settings names each option that the embedded stack writes."""
    layout = Layout(tmp_path / "home")
    layout.create()
    chosen = ports.Ports(airflow=8080, mlflow=5000, postgres=55432)
    airflow.configure(layout, chosen, credentials.ensure(layout.credentials))
    written = (layout.airflow / "airflow.cfg").read_text(encoding="utf-8")
    page = (ROOT / "docs/airflow-settings.md").read_text(encoding="utf-8")
    options = re.findall(r"^(\w+) = ", written, re.MULTILINE)
    assert [] == [option for option in options if not is_code(option, page)]


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [
        (section, option, value)
        for section, options in airflow.tempo().items()
        for option, value in options.items()
    ],
)
def test_the_tempo_on_the_page_is_that_of_the_stack(section, option, value):
    """The page gives each setting of the stack's tempo the value that the stack writes."""
    page = (ROOT / "docs/airflow-settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\[(\w+)\] (.+?)` ?\*? \| `?(.+?)`? \|", page, re.MULTILINE)
    given = {(place, each): said for place, names, said in rows for each in names.split("`, `")}
    assert value == given[section, option]


def test_every_variable_of_the_environment_is_explained():
    """The page names what the stack sets for its processes, beside its own settings."""
    page = (ROOT / "docs/airflow-settings.md").read_text(encoding="utf-8")
    chosen = ports.Ports(airflow=8080, mlflow=5000, postgres=55432)
    variables = [*environment.ONE_THREAD, *environment.mlflow_variables(Layout(ROOT), chosen)]
    assert ["MLFLOW_TRACKING_URI"] == [each for each in variables if not is_code(each, page)]


def test_every_setting_on_a_page_exists_and_every_setting_is_on_a_page():
    """Variables on the pages are those that the code reads."""
    source = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    suffixes = re.findall(r'PREFIX \+ "([A-Z_]+)"', source)
    literal = set(re.findall(r'"(SWEEPSTAKE_[A-Z]+(?:_[A-Z]+)*)"', source)) - {environment.MARK}
    known = {f"SWEEPSTAKE_{suffix}" for suffix in suffixes} | literal
    known |= {ports.setting(server) for server in ports.DEFAULTS}
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert known == set(re.findall(r"\bSWEEPSTAKE_[A-Z]+(?:_[A-Z]+)*\b", pages))


def test_every_make_target_on_a_page_exists():
    """``make`` knows what the pages tell users to type."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    told = set(re.findall(r"(?:^|`)make ([\w-]+)", pages, re.MULTILINE))
    assert set() == told - phony


@pytest.mark.parametrize("block", blocks("python"), ids=identity)
def test_programs_on_pages_compile(block):
    """A Python example is Python."""
    assert compile(block.text, name(block.page), "exec")


def test_the_changelog_speaks_of_this_version():
    """Users find what changed in what they have, or in what comes next."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = set(re.findall(r"^## \[(.+?)\]", text, re.MULTILINE))
    assert versions & {"Unreleased", project["project"]["version"]}


def test_every_test_of_the_threat_table_exists():
    """What somebody cannot do is tried by the test that stands beside it."""
    page = (ROOT / "docs" / "security.md").read_text()
    table = page.partition("## What each can and cannot do")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    sources = "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    missing = {name for name in named if f"def {name}(" not in sources}
    rows = [row for row in table.splitlines() if row.startswith("| ")][2:]
    bare = [row for row in rows if "`test_" not in row and "| everything |" not in row]
    assert (set(), [], True) == (missing, bare, len(named) > 20)
