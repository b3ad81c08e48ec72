import json
import os
import re
import shutil
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml
from typer.testing import CliRunner

from sweepstake import reach, stacks
from sweepstake.airflow_client import standstill
from sweepstake.airflow_client.standstill import Standstill
from sweepstake.champions import pruning
from sweepstake.champions.pruning import Kind, Prunable
from sweepstake.cli import champions, main
from sweepstake.domain.spec import Keep
from sweepstake.errors import StackError
from sweepstake.gridfile.schema import text

GRIDS = Path(__file__).parents[1] / "grids"
COMMANDS = (
    "up",
    "down",
    "status",
    "doctor",
    "import",
    "validate",
    "plan",
    "submit",
    "retry",
    "cancel",
    "predict",
    "prune",
    "run",
    "leaderboard",
    "watch",
    "show",
    "compare",
    "export",
    "refine",
    "rerun",
    "champion",
    "approve",
    "backfill",
    "decline",
    "rollback",
    "serve",
    "schema",
)
GOOD = 'data: {source: "sklearn:iris"}\nestimator: DecisionTreeClassifier\n'
GOOD += "grid: {max_depth: [1, 2, 3], criterion: [gini, entropy]}\ncv: 3\n"
GOOD += "limits: {trials_per_task: 6}\n"  # else as many as a busy machine trains in its time
BAD = 'data: {source: "nowhere.csv"}\nestimator: DecisionTreeClassifer\ncv: 1\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, with the settings of no one else, and no server."""
    monkeypatch.chdir(tmp_path)
    for name in ("SWEEPSTAKE_AIRFLOW_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SWEEPSTAKE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SWEEPSTAKE_GRIDS", str(tmp_path / "watched"))
    return tmp_path


@pytest.fixture
def call(monkeypatch, capsys):
    """A function that runs the installed command: its exit code, stdout and stderr."""

    def command(*args):
        monkeypatch.setattr(sys, "argv", ["sweepstake", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return command


def grid(folder, content, name="flowers.yaml"):
    """A grid file in a folder."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def sweep_of(path):
    """The id of the sweep that a file stands for."""
    return f"{path.stem}__{sha256(path.read_bytes()).hexdigest()[:12]}"


def test_a_good_file_passes_with_its_size(call, folder):
    """Validating tells trials, rows and time, and exits 0."""
    path = grid(folder, GOOD)
    code, out, err = call("validate", path)
    line = re.escape(f"{path}: 6 trials on 150 rows, about ") + r"0:00:\d\d of one core\n"
    assert (0, "", True) == (code, err, bool(re.fullmatch(line, out)))


def test_a_good_file_as_a_record(call, folder):
    """With --json the same stands in one record."""
    path = grid(folder, GOOD)
    code, out, _ = call("validate", path, "--json")
    record = json.loads(out)
    shown = {name: record[name] for name in ("valid", "sweep", "trial_count", "rows", "warnings")}
    expected = {"valid": True, "sweep": sweep_of(path), "trial_count": 6, "rows": 150}
    assert (0, {**expected, "warnings": []}) == (code, shown)


def test_every_mistake_is_told_at_once(call, folder):
    """A bad file exits 1; each line names file, line and place; no traceback."""
    path = grid(folder, BAD)
    code, out, err = call("validate", path)
    places = [line.removeprefix(f"{path}: ").split(": ")[:2] for line in err.splitlines()]
    expected = [["line 1", "data.source"], ["line 2", "estimator"], ["line 3", "cv"]]
    assert (1, "", expected) == (code, out, places)


def test_every_mistake_as_a_record(call, folder):
    """With --json a bad file still exits 1 and its problems are records."""
    path = grid(folder, BAD)
    code, out, err = call("validate", path, "--json")
    record = json.loads(out)
    problems = [(problem["line"], problem["path"]) for problem in record["problems"]]
    assert (1, "", False, str(path)) == (code, err, record["valid"], record["file"])
    assert [(1, "data.source"), (2, "estimator"), (3, "cv")] == problems


@pytest.mark.parametrize("command", ["validate", "plan", "submit", "run"])
@pytest.mark.parametrize("content", [BAD, "data: [", "", "- 1"])
def test_no_command_answers_a_bad_file_with_a_traceback(call, folder, command, content):
    """Whoever meets a bad file first says what is wrong with it, and exits 1."""
    path = grid(folder, content)
    code, out, err = call(command, path)
    first = err.splitlines()[0]
    assert (1, "", True) == (code, out, path.name in first)
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["validate", "plan", "submit", "run"])
def test_a_file_that_is_not_there_is_named(call, folder, command):
    """A typo in the path is a sentence."""
    code, out, err = call(command, "nowhere.yaml")
    expected = "nowhere.yaml: cannot be read: No such file or directory. "
    assert (1, "", f"{expected}Check its name and permissions.\n") == (code, out, err)


@pytest.mark.parametrize("command", ["validate", "plan", "submit", "run"])
@pytest.mark.parametrize(("kind", "told"), [("pipe", "it is a pipe"), ("zero", "it is a device")])
def test_what_is_no_file_is_refused_without_waiting(call, folder, command, kind, told):
    """A pipe that nobody writes into and a device without an end are one sentence each."""
    path = folder / "x.yaml"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    code, out, err = call(command, path)
    expected = f"x.yaml: cannot be read: {told}. Check its name and permissions.\n"
    assert (1, "", True) == (code, out, err.endswith(expected))


@pytest.mark.parametrize("command", ["validate", "plan", "submit", "run"])
def test_a_huge_file_is_refused_by_its_size(call, folder, command):
    """A hole of a terabyte costs what a grid file may cost."""
    path = grid(folder, "")
    with path.open("wb") as file:
        file.truncate(10**12)
    code, out, err = call(command, path)
    assert (1, "", True) == (code, out, "must not be larger than 1,000,000 bytes" in err)


def test_data_beside_the_grid_file_is_found(call, folder):
    """A grid file may be tried where it lies, with the data beside it."""
    shutil.copytree(GRIDS / "data", folder / "elsewhere" / "data")
    path = shutil.copy(GRIDS / "valid" / "csv.yaml", folder / "elsewhere" / "csv.yaml")
    assert 0 == call("validate", path)[0]


def test_a_path_is_shown_as_it_is(call, folder):
    """Brackets in a name are no markup, and a long line stays one line."""
    path = folder / ("long-" * 30) / "[red]flowers[bold].yaml"
    path.parent.mkdir()
    path.write_text(f"name: flowers\n{GOOD}")
    _, out, _ = call("validate", path)
    assert [f"{path}: 6 trials on 150 rows, about"] == re.findall(".* about", out)


def test_a_plan_counts_without_running(call, folder):
    """`plan --json` gives trials, tasks and fits; nothing is written anywhere."""
    path = grid(folder, GOOD)
    code, out, _ = call("plan", path, "--json")
    record = json.loads(out)
    counts = [record[name] for name in ("trial_count", "task_count", "fit_count")]
    assert (0, [6, 1, 24], sweep_of(path)) == (code, counts, record["sweep"])
    assert "0000 DecisionTreeClassifier criterion=gini, max_depth=1" == record["trials"][0]
    assert ["flowers.yaml"] == [entry.name for entry in folder.iterdir()]


def test_a_plan_for_people_lists_the_trials(call, folder):
    """Without --json a table names each trial."""
    code, out, _ = call("plan", grid(folder, GOOD))
    assert (0, 6) == (code, len(re.findall(r"00\d\d DecisionTreeClassifier", out)))


def test_submitting_puts_the_bytes_into_the_watched_folder(call, folder):
    """A sound file lands there under its name, complete, and the sweep's id is told."""
    path = grid(folder, GOOD)
    code, out, _ = call("submit", path)
    there = folder / "watched" / "flowers.yaml"
    assert (0, GOOD) == (code, there.read_text())
    assert f"{sweep_of(path)} is in {there.parent}\n" == out


def test_submitting_warns_of_what_deserves_a_look(call, folder):
    """The file lands in the watched folder, and whoever submits it is told."""
    code, _, err = call("submit", grid(folder, GOOD.replace("iris", "digits")))
    expected = (
        "warning: columns 'pixel_0_0', 'pixel_4_0' and 'pixel_4_7' have the same value in every "
        "row. Drop them.\n"
        "Airflow is down: the sweep begins after sweepstake up.\n"
    )
    assert (0, expected) == (code, err)


@pytest.mark.slow
def test_data_that_a_stack_would_not_find_are_told(call, folder):
    """A file that lies beside the grid file is enough for a check, and not for a sweep."""
    rows = "a,label\n" + "".join(f"{number},{'xy'[number % 2]}\n" for number in range(60))
    path = grid(folder, GOOD.replace('"sklearn:iris"', "rows.csv, target: label"))
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    assert "lies beside" not in call("validate", path)[2]  # there is no stack
    (folder / "state").mkdir()
    (folder / "state" / stacks.CLIENT).touch()
    code, _, err = call("validate", path)
    said = "'rows.csv' lies beside the grid file, and not where sweepstake submit looks: "
    assert (0, True) == (code, f"{said}{folder / 'watched'}. Copy it there first." in err)
    (folder / "watched").mkdir()
    (folder / "rows.csv").rename(folder / "watched" / "rows.csv")
    code, _, err = call("validate", path)
    assert (0, False) == (code, "lies beside" in err)


def test_submitting_tells_of_a_file_that_it_replaces(call, folder):
    """The same file again replaces nothing."""
    call("submit", grid(folder, GOOD))
    assert "takes the place" not in call("submit", grid(folder, GOOD))[2]
    code, _, err = call("submit", grid(folder, GOOD.replace("iris", "wine")))
    assert (0, True) == (code, "flowers.yaml takes the place of another file" in err)


def test_serving_at_an_address_that_is_taken_is_a_sentence(call, folder):
    """Before any process is started that predicts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = call("serve", "digits", "--port", port)
    said = f"--host and --port: must be an address that is free, but 127.0.0.1:{port}: Address"
    assert (1, "", True) == (code, out, " ".join(err.split()).startswith(said))


def test_nothing_is_put_where_nobody_looks(call, folder, monkeypatch):
    """Without a stack and without a folder that is named, submitting makes no folder."""
    monkeypatch.delenv("SWEEPSTAKE_GRIDS")
    monkeypatch.setenv("HOME", str(folder))
    code, out, err = call("submit", grid(folder, GOOD))
    assert (1, "", True) == (code, out, "must be a folder that a stack watches" in err)
    assert not (folder / "grids").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("champion", "a"),
        ("leaderboard", "a"),
        ("retry", "a"),
        ("cancel", "a"),
        ("rollback", "a", "--why", "b"),
    ],
)
def test_a_stack_that_is_down_is_told_at_once(call, folder, monkeypatch, command):
    """Nobody waits for a server that is not there: one sentence, with the way out."""
    for name in ("MLFLOW_TRACKING_URI", "SWEEPSTAKE_AIRFLOW_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    code, out, err = call(*command)
    assert (1, "", 1) == (code, out, len(err.splitlines()))
    assert "must listen there, but nothing does. Start the stack by sweepstake up, or" in err


def test_a_bad_file_is_not_submitted(call, folder):
    """What would fail in Airflow is refused before it gets there."""
    call("submit", grid(folder, BAD))
    assert not (folder / "watched").exists()


def test_the_schema_is_printed_as_it_is(call):
    """Editors get the very schema that files are checked with."""
    code, out, _ = call("schema")
    assert (0, json.loads(text())) == (code, json.loads(out))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does_with_an_example(command):
    """Each command has a sentence and an example that begins with its own name."""
    shown = CliRunner().invoke(main.app, [command, "--help"], env={"COLUMNS": "200"})
    assert (0, 1) == (shown.exit_code, shown.stdout.count(f"Example: sweepstake {command}"))


def test_help_lists_every_command():
    """Nothing is hidden, nothing is listed that is not there."""
    shown = CliRunner().invoke(main.app, ["--help"], env={"COLUMNS": "200"})
    listed = re.findall(r"^│ ([a-z]+) ", shown.stdout, re.MULTILINE)
    assert (0, sorted(COMMANDS)) == (shown.exit_code, sorted(listed))


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("nonsense",),
        ("validate",),
        ("validate", "--nonsense"),
        ("validate", "."),
        ("run", "x.yaml", "--jobs", "0"),
        ("serve", "digits", "--port", "many"),
    ],
)
def test_wrong_usage_exits_2(call, folder, args):
    """A command that is called wrongly says so, with nothing done."""
    code, _, err = call(*args)
    assert 2 == code
    assert "Traceback" not in err


def test_a_file_of_another_tool_becomes_a_grid_file_once(call, folder):
    """It stands beside the other, with what was not taken; a second time needs ``--force``."""
    Path("space.json").write_text('{"C": [1, 10], "colour": ["red"]}')
    args = ("import", "space.json", "--estimator", "SVC", "--data", "sklearn:iris")
    code, out, _ = call(*args)
    assert (0, True) == (code, out.startswith("space.grid.yaml: written, 1 things not taken."))
    assert 'data: {source: "sklearn:iris"}' in Path("space.grid.yaml").read_text()
    again, _, err = call(*args)
    assert (1, True) == (again, "must not be there yet" in err)
    assert 0 == call(*args, "--force")[0]


def test_several_files_are_validated_and_one_mistake_counts(call, folder):
    """As a hook of pre-commit calls it: each file is told, and the whole ends with 1."""
    Path("good.yaml").write_text("data: {source: 'sklearn:iris'}\nestimator: GaussianNB\n")
    Path("bad.yaml").write_text("data: {source: 'sklearn:iris'}\nestimator: GaussianNP\n")
    code, out, err = call("validate", "bad.yaml", "good.yaml")
    assert (1, True) == (code, out.startswith("good.yaml: 1 trials on 150 rows"))
    assert err.startswith("bad.yaml: line 2: estimator: must be a scikit-learn classifier")


def test_the_place_of_the_schema_is_told(call, folder):
    """An editor's line names a file that is the schema."""
    code, out, _ = call("schema", "--path")
    assert (0, text()) == (code, Path(out.strip()).read_text("utf-8"))


def test_the_hook_of_pre_commit_calls_a_command_that_exists():
    """Its entry is `sweepstake validate`, on the files of the watched folder."""
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    assert "sweepstake validate" == hook["entry"]
    assert re.search(hook["files"], "grids/digits.yaml")
    assert not re.search(hook["files"], "grids/data/rows.json")


def test_a_server_that_is_not_there_is_a_sentence(call, folder, monkeypatch):
    """A setting that cannot be right is told, not traced."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "localhost:5000")
    code, out, err = call("champion", "digits")
    expected = "MLFLOW_TRACKING_URI: must be a URL with a scheme, but got 'localhost:5000'. "
    assert (1, "", f"{expected}Write http://host:port.\n") == (code, out, err)


def test_the_doctor_tells_everything_that_is_wrong_at_once(call, folder, monkeypatch):
    """Servers that do not answer and a folder that is missing: one finding each, exit code 1."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("SWEEPSTAKE_AIRFLOW_URL", "http://127.0.0.1:9")
    code, out, err = call("doctor", "--json")
    wrong = [each["name"] for each in json.loads(out) if not each["ok"]]
    assert (1, "", ["watched folder", "MLflow", "Airflow"]) == (code, err, wrong)
    code, out, err = call("doctor")
    lines = out.splitlines()
    assert (1, "", wrong) == (code, err, [x[6:].split(":")[0] for x in lines if x[:4] == "fix "])
    assert "fix   Airflow: Airflow at http://127.0.0.1:9/api/v2/version: must answer" in out


@pytest.fixture
def stack(monkeypatch):
    """A stack on which every component is healthy."""
    from sweepstake import embedded

    components = (embedded.Component("api-server", embedded.ComponentState.HEALTHY),)
    monkeypatch.setattr(embedded, "status", lambda _: components)
    monkeypatch.setattr(embedded, "is_up", lambda _: True)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_status_names_runs_that_stand_still(call, stack, monkeypatch, options):
    """Components can all be healthy while a run stands still: its sentence is on stderr."""
    still = Standstill("sweep", "forests__1", 600, "its DAG is paused", "Say: unpause.")
    monkeypatch.setattr(standstill, "standstills", lambda _: [still])
    code, _, err = call("status", *options)
    assert (1, f"{still}\n") == (code, err)


def test_the_status_of_a_stack_that_moves_is_good(call, stack, monkeypatch):
    """Nothing stands still: the exit code says so."""
    monkeypatch.setattr(standstill, "standstills", lambda _: [])
    code, _, err = call("status")
    assert (0, "") == (code, err)


@pytest.fixture
def followed(monkeypatch):
    """`up --follow` on a stack that is only said to be up; what was done to it, in order."""
    from sweepstake import embedded

    done = []
    up = embedded.Stack("http://a", "http://m", "admin", "secret", first=False)
    monkeypatch.setattr(embedded, "up", lambda *_: done.append("up") or up)
    monkeypatch.setattr(embedded, "down", lambda *_: done.append("down"))
    monkeypatch.setattr(main, "_follow_folder", lambda _: None)
    monkeypatch.setattr(main, "STAY_SECONDS", 0.01)
    monkeypatch.delenv("CI", raising=False)
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {end: signal.getsignal(end) for end in ends}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    yield done
    for end, handler in before.items():
        signal.signal(end, handler)


def test_who_follows_a_stack_ends_with_it(call, folder, followed, monkeypatch):
    """`sweepstake down` elsewhere ends the terminal that follows, too."""
    from sweepstake import embedded

    left = iter([True, True, False])
    monkeypatch.setattr(embedded, "is_up", lambda _: next(left))
    assert (0, ["up", "down"]) == (call("up", "--follow")[0], followed)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stack_ends_with_who_follows_it(call, folder, followed, monkeypatch, end):
    """Ctrl-C, a plain kill and a closed terminal alike take the stack down."""
    from sweepstake import embedded

    monkeypatch.setattr(embedded, "is_up", lambda _: os.kill(os.getpid(), end) or True)
    with handled(signal.SIG_DFL):
        assert (0, ["up", "down"]) == (call("up", "--follow")[0], followed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_ended_ends_what_it_started(call, folder, monkeypatch, number):
    """Whichever signal ends it: the start is told, and takes back what it did."""
    from sweepstake import embedded

    ended = []

    def up(*_):
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            ended.append(number)
            raise

    monkeypatch.setattr(embedded, "up", up)
    with handled(signal.SIG_DFL):
        assert 130 == call("up")[0]
    assert [number] == ended


def test_a_signal_that_is_ignored_ends_no_start(call, folder, monkeypatch):
    """Whoever starts it under nohup wants it to outlive the terminal."""
    from sweepstake import embedded

    seen = []
    monkeypatch.setattr(embedded, "up", lambda *_: seen.append(signal.getsignal(signal.SIGHUP)))
    with handled(signal.SIG_IGN), suppress(AttributeError):  # what follows has no stack to greet
        call("up")
    assert [signal.SIG_IGN] == seen


@contextmanager
def handled(handler):
    """The signals that end a start are handled so at its beginning, and as before at the end."""
    before = {each: signal.signal(each, handler) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)


@pytest.mark.parametrize("moment", ["2026-01-15T12:00Z", "2026-01-15 12:00", "2026-01-15 12:00:00"])
def test_a_moment_is_taken_as_it_is_printed(call, folder, monkeypatch, moment):
    """A time that a command has shown can be given back to one."""
    asked = []
    monkeypatch.setattr(reach, "listens", lambda _: True)
    monkeypatch.setattr(champions, "_tell_at", lambda _, moment, **__: asked.append(moment))
    assert 0 == call("champion", "digits", "--at", moment)[0]
    assert [datetime(2026, 1, 15, 12, tzinfo=UTC)] == asked


@pytest.mark.parametrize("delete", [False, True])
def test_prune_deletes_only_if_asked_to(call, folder, monkeypatch, delete):
    """Without --delete it shows what would go and says how to go on."""
    deleted = []
    found = (Prunable(Kind.DATA, "d1", 2_500_000, "of no sweep"),) * 2
    monkeypatch.setattr(reach, "listens", lambda _: True)
    monkeypatch.setattr(pruning, "find", lambda _, keep: found if keep == Keep(3, 7) else ())
    monkeypatch.setattr(pruning, "prune", lambda items, _: deleted.extend(items))
    words = ["prune", "--top", "3", "--days", "7", *(["--delete"] if delete else [])]
    code, out, err = call(*words)
    assert (0, list(found) if delete else []) == (code, deleted)
    assert "2 " in out
    assert "5.0" in out
    assert delete != ("Add --delete" in err)


@pytest.mark.parametrize(
    ("words", "policy"),
    [((), None), (("--days", "7"), Keep(1, 7)), (("--top", "0"), Keep(0, 0))],
)
def test_either_option_of_prune_sets_a_policy(call, folder, monkeypatch, words, policy):
    """One option alone is not ignored; the other has the default of the grid file's `keep`."""
    policies = []
    monkeypatch.setattr(reach, "listens", lambda _: True)
    monkeypatch.setattr(pruning, "find", lambda _, keep: policies.append(keep) or ())
    assert 0 == call("prune", *words)[0]
    assert [policy] == policies


def test_prune_reports_no_deletion_that_failed(call, folder, monkeypatch):
    """With --json, "deleted" is printed only once the files are deleted."""
    monkeypatch.setattr(reach, "listens", lambda _: True)
    monkeypatch.setattr(pruning, "find", lambda *_: ())
    monkeypatch.setattr(pruning, "prune", Mock(side_effect=StackError("no answer. Try again.")))
    code, out, _ = call("prune", "--delete", "--json")
    assert code
    assert "deleted" not in out
