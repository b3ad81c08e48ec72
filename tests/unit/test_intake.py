import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from sweepstake.errors import GridFileError, NotFoundError, SettingsError
from sweepstake.gridfile import file_names, loader
from sweepstake.intake import daily_files, intake, reports, sightings
from sweepstake.intake.intake import Drop
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

GRID = b'data: {source: "sklearn:iris"}\nestimator: GaussianNB\n'
BROKEN = b"data: {source: "
NOBODY = 65534
DAILY = b'name: d\ndata: {source: "a-{partition}.csv", target: y}\nestimator: GaussianNB\n'
ANY = st.characters(codec="utf-8", exclude_characters="/\0")
PLAIN = st.characters(categories=["L", "M", "N"], include_characters=" ._-()")
NAMES = st.text(ANY, min_size=1, max_size=40) | st.text(PLAIN, min_size=1, max_size=40)
NAMES = NAMES.filter(lambda name: not name.startswith("."))


@pytest.fixture
def settings(tmp_path):
    """Settings with an empty watched folder."""
    (tmp_path / "grids").mkdir()
    return load_settings(
        {"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": f"{tmp_path}/grids"}
    )


def put(settings, file, content=GRID, age=60.0):
    """Write a file that nobody has touched for ``age`` seconds."""
    path = settings.grids / file
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def digest(content):
    """The snapshot that bytes are kept under."""
    return sha256(content).hexdigest()


def sweep_of(name, content):
    """The sweep that a name and bytes stand for."""
    return f"{name}__{digest(content)[:12]}"


def files(settings):
    """The files that intake takes in now."""
    return [drop.file for drop in intake.scan(settings)]


def published(settings):
    """The files with data by day that Airflow is told of, by name of their sweep."""
    found = daily_files.published(Workspace(settings.workspace))
    return {daily.name: daily.file for daily in found}


def names(folder):
    """Everything that lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def written(path):
    """Which file a path is and when it was written; reading changes neither."""
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns


@contextmanager
def held_open(path, mode):
    """Another process that holds a file open."""
    code = f"import sys; f = open(sys.argv[1], {mode!r}); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield
        process.stdin.close()


@contextmanager
def unprivileged(folder):
    """Be a user to whom file permissions apply, as the owner of a folder."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_complete_file_stands_for_a_sweep(settings):
    """A drop names the file, keeps its bytes and derives the sweep from name and content."""
    put(settings, "flowers.yaml")
    assert (Drop("flowers.yaml", digest(GRID), sweep_of("flowers", GRID)),) == intake.scan(settings)
    assert GRID == Workspace(settings.workspace).read_snapshot(digest(GRID))


def test_a_folder_that_takes_no_file_is_a_sentence(settings):
    """Whoever submits is told which folder it is and what to do."""
    settings.grids.rmdir()
    settings.grids.touch()
    with pytest.raises(SettingsError, match=r"must let a\.yaml be written there, but got"):
        intake.drop(GRID, "a", "a.yaml", settings)


def test_a_name_in_the_file_names_the_sweep(settings):
    """The file may be called anything if it says its name itself."""
    content = b"name: orchids\n" + GRID
    put(settings, "x (2).yaml", content)
    assert [sweep_of("orchids", content)] == [drop.sweep for drop in intake.scan(settings)]


def test_a_file_that_was_just_written_waits(settings):
    """Until it has been quiet for a moment, a file may still be growing."""
    path = put(settings, "a.yaml", age=0)
    changed = path.stat().st_mtime
    early, late = changed + sightings.QUIET_SECONDS / 2, changed + sightings.QUIET_SECONDS
    assert [False, True] == [sightings.look(settings.grids, now)[0].quiet for now in (early, late)]


@pytest.mark.parametrize(
    ("age", "held", "new"), [(0.5, False, True), (1.5, False, False), (1.5, True, True)]
)
def test_a_file_is_new_until_it_is_quiet(tmp_path, age, held, new):
    """A writer that holds it makes it wait."""
    file = tmp_path / "a.yaml"
    with file.open("w") as writer:
        writer.write("name: a")
        if not held:
            writer.close()
        (sighting,) = sightings.look(tmp_path, file.stat().st_ctime + age)
    assert (new, not new) == (sighting.new, sighting.quiet)


@pytest.mark.parametrize(("age", "new"), [(1.5, True), (3.0, False)])
def test_a_file_that_is_held_open_for_long_is_not_new(tmp_path, age, new):
    """Nobody looks at it ten times a second."""
    with (tmp_path / "a.yaml").open("w") as writer:
        writer.flush()
        (sighting,) = sightings.look(tmp_path, (tmp_path / "a.yaml").stat().st_ctime + age)
    assert (new, False) == (sighting.new, sighting.quiet)


def test_a_copied_time_in_the_future_leaves_a_file_new(tmp_path):
    """What counts is when the file came here."""
    file = tmp_path / "a.yaml"
    file.write_text("name: a", encoding="utf-8")
    os.utime(file, (time.time() + 3600,) * 2)
    (sighting,) = sightings.look(tmp_path, file.stat().st_ctime + 0.5)
    assert sighting.new


def test_a_file_with_a_time_in_the_future_does_not_wait_for_it(settings):
    """A copy that keeps a wrong clock's time is taken in once its own writing is over."""
    put(settings, "a.yaml", age=-1_000_000)
    (sighting,) = sightings.look(settings.grids, time.time() + 2)
    assert sighting.quiet


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_file_that_is_open_for_writing_waits(settings):
    """A writer that pauses holds its file back; a reader does not, and the end lets it go."""
    path = put(settings, "a.yaml", age=2)
    with held_open(path, "ab"):
        held = files(settings)
    with held_open(path, "rb"):
        read = files(settings)
    assert ([], ["a.yaml"], ["a.yaml"]) == (held, read, files(settings))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_writer_that_does_nothing_for_long_holds_nothing_back(settings):
    """An editor may keep its file open all day."""
    path = put(settings, "a.yaml", age=sightings.PATIENCE_SECONDS + 1)
    with held_open(path, "ab"):
        assert ["a.yaml"] == files(settings)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_writer_that_comes_during_the_look_does_no_harm(settings):
    """Looking survives a process that opens the file for writing again and again."""
    path = put(settings, "a.yaml", age=2)
    code = "import os, sys\nwhile True: os.close(os.open(sys.argv[1], os.O_WRONLY))"
    looks = f"""if True:
        from pathlib import Path
        from sweepstake.intake.sightings import _has_writer
        seen = set()
        for _ in range(20_000):
            seen.add(_has_writer(Path({str(path)!r})))
        print(sorted(seen))
    """
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as writer:
        looked = subprocess.run([sys.executable, "-c", looks], capture_output=True, check=False)
        writer.send_signal(signal.SIGKILL)
    assert (0, b"") == (looked.returncode, looked.stderr)


def test_a_broken_file_gets_time_to_become_whole(settings):
    """What does not parse counts as wrong only after a while; then it stands for a sweep too."""
    put(settings, "half.yaml", BROKEN, age=5)
    early = files(settings)
    put(settings, "half.yaml", BROKEN, age=sightings.PATIENCE_SECONDS + 1)
    late = [drop.sweep for drop in intake.scan(settings)]
    assert ([], [sweep_of("half", BROKEN)]) == (early, late)


def test_the_same_content_is_one_sweep(settings):
    """Two names for the same bytes are one sweep, of the first name; others are their own."""
    other = GRID + b"cv: 3\n"
    for file, content in (("b.yaml", GRID), ("a.yml", GRID), ("c.json", GRID), ("d.yaml", other)):
        put(settings, file, content)
    assert ["a.yml", "d.yaml"] == files(settings)


def test_a_file_that_is_renamed_keeps_its_sweep(settings):
    """What was dropped once starts nothing under another name, whoever asks first later."""
    path = put(settings, "b.yaml")
    (first,) = intake.scan(settings)
    path.rename(path.with_name("a.yaml"))
    again = intake.drop(GRID, "c", "c.yaml", settings)
    assert [first.sweep, first.sweep] == [again.sweep, intake.scan(settings)[0].sweep]


def test_only_grid_files_are_taken_in(settings):
    """Folders, hidden files, other suffixes, queues and dangling links are none."""
    put(settings, ".hidden.yaml")
    put(settings, "notes.txt")
    put(settings, "a.yaml.part")
    put(settings, f"a.yaml{reports.REPORT_SUFFIX}")
    (settings.grids / "folder.yaml").mkdir()
    os.mkfifo(settings.grids / "queue.yaml")
    (settings.grids / "dangling.yaml").symlink_to("nowhere")
    (settings.grids / "loop.yaml").symlink_to("loop.yaml")
    (settings.grids / "below.yaml").symlink_to("notes.txt/x")
    (settings.grids / "long.yaml").symlink_to("x" * 300)
    put(settings, "UPPER.YAML")
    assert ["UPPER.YAML"] == files(settings)


def test_a_link_that_stays_in_the_folder_is_a_grid_file(settings):
    """Mounted configuration consists of links to hidden folders beside them."""
    hidden = settings.grids / "..2026"
    hidden.mkdir()
    (hidden / "a.yaml").write_bytes(GRID)
    os.utime(hidden / "a.yaml", (0, 0))
    (settings.grids / "..data").symlink_to("..2026")
    (settings.grids / "linked.yaml").symlink_to("..data/a.yaml")
    assert ["linked.yaml"] == files(settings)


def test_a_link_that_leads_out_of_the_folder_is_reported_unread(settings, tmp_path):
    """Nothing of the file that it leads to is told or kept."""
    target = tmp_path / "elsewhere"
    target.write_bytes(b"password: t0psecret\n")
    os.utime(target, (0, 0))
    (settings.grids / "linked.yaml").symlink_to(target)
    found = files(settings)
    report = (settings.grids / "linked.yaml.errors.txt").read_text()
    expected = "must not be a link that leads out of the watched folder. Copy the file there.\n"
    assert ([], True, False) == (found, report.endswith(expected), "t0psecret" in report)
    assert not (settings.workspace / "snapshots").exists()


def test_a_file_is_read_once(settings, tmp_path, monkeypatch):
    """What takes its place after the reading is neither told nor kept."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"password: t0psecret\n: [")
    os.utime(secret, (0, 0))
    path = put(settings, "a.yaml", BROKEN)
    parse = loader.parse

    def exchange(*arguments):
        path.unlink()
        path.symlink_to(secret)
        return parse(*arguments)

    monkeypatch.setattr(loader, "parse", exchange)
    (found,) = intake.scan(settings)
    assert (digest(BROKEN), sweep_of("a", BROKEN)) == (found.snapshot, found.sweep)
    assert BROKEN == Workspace(settings.workspace).read_snapshot(found.snapshot)
    assert ["a.yaml"] == names(settings.grids)
    assert not intake.is_watched(found, settings)


@pytest.mark.slow
def test_what_is_no_file_is_reported_and_holds_up_no_other(settings):
    """A pipe without a writer and a device without an end are told, not read."""
    os.mkfifo(settings.grids / "pipe.yaml")
    (settings.grids / "zero.yaml").symlink_to("/dev/zero")
    put(settings, "b.yaml")
    while not all(each.quiet for each in sightings.look(settings.grids)):
        time.sleep(0.1)
    found = files(settings)
    told = [
        (settings.grids / f"{stem}.yaml.errors.txt").read_text().rpartition(".yaml: ")[2]
        for stem in ("pipe", "zero")
    ]
    expected = [
        "cannot be read: it is a pipe. Check its name and permissions.\n",
        "must not be a link that leads out of the watched folder. Copy the file there.\n",
    ]
    assert (["b.yaml"], expected) == (found, told)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_nothing_is_written_through_what_lies_in_the_place(settings, tmp_path, kind):
    """A link or pipe where a report or a submitted file belongs is replaced, and not followed."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    places = [settings.grids / "a.yaml", settings.grids / "a.yaml.errors.txt"]
    for place in places:
        place.symlink_to(target) if kind == "link" else os.mkfifo(place)
    intake.drop(GRID, "a", "a.yaml", settings)
    reports.write(settings, "a.yaml", "wrong")
    assert (b"precious", [GRID, b"wrong\n"]) == (
        target.read_bytes(),
        [place.read_bytes() for place in places],
    )
    assert not any(place.is_symlink() for place in places)


def test_a_report_that_says_the_same_is_left_alone(settings):
    """Looking every minute writes nothing as long as nothing changes."""
    put(settings, "{.yaml")
    intake.scan(settings)
    report = settings.grids / "{.yaml.errors.txt"
    before = written(report)
    intake.scan(settings)
    assert before == written(report)


def test_a_file_that_is_too_large_is_told_so(settings):
    """It is watched like any other, so its report lies beside it."""
    put(settings, "a.yaml", b"#" * 1_500_000)
    (found,) = intake.scan(settings)
    assert intake.is_watched(found, settings)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep such names out")
def test_a_name_that_is_no_text_is_reported_and_holds_up_no_other(settings):
    """A database would refuse it, together with all that intake tells in the same breath."""
    put(settings, os.fsdecode(b"gr\xfcn.yaml"))
    put(settings, "b.yaml", GRID + b"cv: 3\n")
    found = files(settings)
    report = (settings.grids / os.fsdecode(b"gr\xfcn.yaml.errors.txt")).read_text()
    expected = "but got '\\udcfc'. Rename it.\n"
    assert (["b.yaml"], True) == (found, report.endswith(expected))


@pytest.mark.parametrize(
    "stem",
    [
        "{{ macros.uuid.os.system('id') }}",
        "a'; drop table runs; --",
        'it"s',
        "new\nline",
        "-rf",
        "=cmd|x",
        "\U0001f600",
        "я" * 119,
    ],
)
def test_a_file_with_a_hostile_name_is_reported_and_starts_nothing(settings, stem):
    """Its report lies beside it, nothing of it is kept, and the others are taken in."""
    put(settings, f"{stem}.yaml", BROKEN)
    put(settings, "b.yaml")
    found = files(settings)
    (report,) = settings.grids.glob("*.errors.txt")
    told = report.read_text(encoding="utf-8")
    assert (["b.yaml"], 1) == (found, told.count("must have a name of letters, digits"))
    assert 1 == told.count("\n")
    assert [digest(GRID)] == [
        path.name for path in (settings.workspace / "snapshots").iterdir() if not path.suffix
    ]


def test_a_hostile_name_is_not_submitted(settings):
    """Whoever submits is told at once, and nothing is written."""
    with pytest.raises(GridFileError, match="must have a name of letters"):
        intake.drop(GRID, "a", "{{ a }}.yaml", settings)
    assert [] == names(settings.grids)


def test_files_with_names_in_other_scripts_stay_apart(settings):
    """Each is a sweep and a model of its own, in letters that Airflow and MLflow take."""
    stems = ["Отток", "Кредит", "отток", "数据", "Ottok", "Öttok"]
    for number, stem in enumerate(stems):
        put(settings, f"{stem}.yaml", GRID + b"cv: %d\n" % (number + 2))
    drops = intake.scan(settings)
    found = {drop.sweep.partition("__")[0].casefold() for drop in drops}
    assert (len(stems), len(stems)) == (len(drops), len(found))
    assert all(re.fullmatch(r"[\w.-]+__[0-9a-f]{12}", drop.sweep, re.ASCII) for drop in drops)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("My digits", "My-digits"),
        ("Churn", "churn"),
        ("a..b", "a.b"),
        (normalize("NFC", "café"), normalize("NFD", "café")),
        ("_a", "a"),
    ],
)
@pytest.mark.parametrize("daily", [False, True])
def test_who_comes_second_to_a_model_by_its_files_name_is_told(settings, first, second, daily):
    """The one that was there first keeps it, also when it is gone; who writes a model gets it."""
    content = DAILY.replace(b"name: d\n", b"") if daily else GRID
    put(settings, f"{first}.yaml", content)
    begun = files(settings), sorted(published(settings).values())
    put(settings, f"{second}.yaml", content + b"cv: 3\n")
    assert begun == (files(settings), sorted(published(settings).values()))
    report = settings.grids / f"{second}.yaml.errors.txt"
    assert f"is that of a file called {first!r}" in report.read_text(encoding="utf-8")
    (settings.grids / f"{first}.yaml").unlink()
    assert ([], {}) == (files(settings), published(settings))
    model = b"model: " + file_names.default_name(f"{first}.yaml").encode()
    put(settings, f"{second}.yaml", content + model)
    files(settings)
    taken = published(settings).values() if daily else files(settings)
    assert [f"{second}.yaml"] == list(taken)


def test_a_file_keeps_its_model_when_it_is_edited_or_written_anew_in_json(settings):
    """The stem is the name: what follows it, and what the file says, may change."""
    put(settings, "a b.yaml")
    intake.scan(settings)
    put(settings, "a b.yaml", GRID + b"cv: 3\n")
    put(settings, "a b.json", b'{"data": {"source": "sklearn:iris"}, "estimator": "GaussianNB"}')
    put(settings, "copy.yaml", GRID)
    assert ["a b.json", "a b.yaml", "copy.yaml"] == files(settings)
    assert [] == list(settings.grids.glob("*.errors.txt"))


def test_a_run_is_told_the_digest_alone(settings):
    """The workspace knows the file's name and the sweep; nothing else that was asked for counts."""
    put(settings, "flowers.yaml")
    (found,) = intake.scan(settings)
    conf = {"snapshot": found.snapshot, "file": "../../etc/passwd", "sweep": "../x", "backfill": 1}
    assert found == intake.asked_for(conf, settings)


@pytest.mark.parametrize(
    "conf", [None, {}, {"snapshot": "../x"}, {"snapshot": 7}, {"snapshot": ["a" * 64]}]
)
def test_a_run_without_a_digest_is_refused(settings, conf):
    """A run that somebody triggers by hand says what it must have."""
    with pytest.raises(NotFoundError, match="must be the SHA-256 of a grid file"):
        intake.asked_for(conf, settings)


def test_a_run_of_an_unknown_digest_is_refused(settings):
    """What intake has not taken in is not there to be swept."""
    with pytest.raises(NotFoundError, match="not in the workspace"):
        intake.asked_for({"snapshot": "0" * 64}, settings)


def test_a_folder_that_is_not_there_holds_no_files(settings):
    """The watched folder may come later."""
    settings.grids.rmdir()
    assert () == intake.scan(settings)


def test_an_unreadable_file_is_reported_and_holds_up_no_other():
    """Its report says why, lies beside it, and the other files are taken in."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environ = {"SWEEPSTAKE_HOME": folder, "SWEEPSTAKE_GRIDS": f"{folder}/grids"}
        settings = load_settings(environ)
        settings.grids.mkdir()
        put(settings, "a.yaml", age=2).chmod(0)
        put(settings, "b.yaml", age=2)
        with unprivileged(root):
            found = files(settings)
        report = settings.grids / "a.yaml.errors.txt"
        expected = f"{settings.grids / 'a.yaml'}: cannot be read: Permission denied. "
        assert ["b.yaml"] == found
        assert expected + "Check its name and permissions.\n" == report.read_text()


def test_a_huge_file_is_not_read_whole(settings):
    """What is too large for a grid file stands for a sweep that will say so."""
    path = settings.grids / "huge.json"
    with path.open("wb") as file:
        file.truncate(10**11)
    os.utime(path, (0, 0))
    assert ["huge.json"] == files(settings)


@pytest.mark.parametrize("content", [GRID, BROKEN])
@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("My grid (2)", "My-grid-2"),
        ("решётка 7", file_names.default_name("решётка 7.yaml")),
        ("решётка", file_names.default_name("решётка.yaml")),
        ("数据", file_names.default_name("数据.yaml")),
    ],
)
def test_any_file_name_gives_a_sweep_with_a_plain_id(settings, stem, name, content):
    """Whatever a file is called, sound or not, its sweep's id has plain characters only."""
    put(settings, f"{stem}.yaml", content)
    expected = Drop(f"{stem}.yaml", digest(content), sweep_of(name, content))
    assert (expected,) == intake.scan(settings)


@pytest.mark.slow
@effort(deadline=None, max_examples=50)  # each example writes files, and waits for the disk
@given(st.dictionaries(NAMES, st.sampled_from([GRID, BROKEN, b"", b"\\0", GRID * 2])))
def test_whatever_lies_in_the_folder_each_content_is_one_sweep(dropped):
    """Sweeps and contents of allowed names correspond, and every id is plain."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"SWEEPSTAKE_HOME": folder, "SWEEPSTAKE_GRIDS": f"{folder}/grids"}
        settings = load_settings(environ)
        settings.grids.mkdir()
        for stem, content in dropped.items():
            put(settings, f"{stem}.yaml", content)
        drops = intake.scan(settings)
    allowed = {stem for stem in dropped if not file_names.fault(f"{stem}.yaml")}
    assert {digest(dropped[stem]) for stem in allowed} == {drop.snapshot for drop in drops}
    assert all(re.fullmatch(r"[\w.-]+__[0-9a-f]{12}", drop.sweep, re.ASCII) for drop in drops)
    assert len({drop.sweep for drop in drops}) == len(drops)


def test_a_dropped_file_is_complete_at_once(settings):
    """Submitting writes the bytes, and the same bytes again touch nothing."""
    intake.drop(GRID, "a", "a.yaml", settings)
    before = written(settings.grids / "a.yaml")
    intake.drop(GRID, "a", "a.yaml", settings)
    assert before == written(settings.grids / "a.yaml")
    assert (GRID, ["a.yaml"]) == (
        (settings.grids / "a.yaml").read_bytes(),
        names(settings.grids),
    )


def test_a_report_lies_beside_the_file_until_it_is_right(settings):
    """Mistakes are written where the file lies; clearing twice is clearing once."""
    report = settings.grids / "a.yaml.errors.txt"
    reports.write(settings, "a.yaml", "line 1: решётка")
    assert "line 1: решётка\n" == report.read_text(encoding="utf-8")
    reports.clear(settings, "a.yaml")
    reports.clear(settings, "a.yaml")
    assert not report.exists()


def test_a_read_only_folder_costs_the_report_only():
    """Where nothing can be written beside the file, no error hides the mistakes themselves."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"SWEEPSTAKE_HOME": folder, "SWEEPSTAKE_GRIDS": f"{folder}/grids"})
        settings.grids.mkdir(mode=0o555)
        with unprivileged(Path(folder)):
            reports.write(settings, "a.yaml", "wrong")
            reports.clear(settings, "a.yaml")
        assert [] == names(settings.grids)


def test_a_drop_is_watched_while_its_file_has_its_bytes(settings):
    """A file that was changed, removed or never lay there has no place for a report."""
    drop = Drop("a.yaml", digest(GRID), sweep_of("a", GRID))
    absent = intake.is_watched(drop, settings)
    put(settings, "a.yaml")
    there = intake.is_watched(drop, settings)
    put(settings, "a.yaml", BROKEN)
    assert (False, True, False) == (absent, there, intake.is_watched(drop, settings))


def test_a_file_with_data_by_day_starts_no_sweep(settings):
    """It is published for its DAG instead, as long as it lies there."""
    path = put(settings, "d.yaml", DAILY)
    assert ([], {"d": "d.yaml"}) == (files(settings), published(settings))
    path.unlink()
    assert ([], {}) == (files(settings), published(settings))


@pytest.mark.slow
def test_a_daily_that_breaks_keeps_its_dag_and_gets_its_report(settings):
    """Its mistakes stand beside it, no sweep of the DAG `sweep` fails for it; fixed, they go."""
    put(settings, "d.yaml", DAILY)
    intake.scan(settings)
    put(settings, "d.yaml", BROKEN)
    assert ([], {"d": "d.yaml"}) == (files(settings), published(settings))
    assert ["d.yaml", "d.yaml.errors.txt"] == names(settings.grids)
    put(settings, "d.yaml", DAILY, age=-60.0)
    os.utime(settings.grids / "d.yaml.errors.txt", (0, 0))
    time.sleep(sightings.QUIET_SECONDS)
    assert ([], ["d.yaml"]) == (files(settings), names(settings.grids))


def test_a_name_is_one_dag(settings):
    """The second file of a name is told which one has it."""
    put(settings, "a.yaml", DAILY)
    put(settings, "b.yaml", DAILY + b"cv: 3\n")
    assert ([], {"d": "a.yaml"}) == (files(settings), published(settings))
    report = (settings.grids / "b.yaml.errors.txt").read_text()
    assert "'d' is that of a.yaml" in report


def test_a_day_is_swept_with_the_file_as_it_is(settings):
    """The sweep's id has the content of this moment and the day."""
    put(settings, "d.yaml", DAILY)
    intake.scan(settings)
    day = date(2026, 1, 15)
    first = intake.take("d", day, settings, backfill=True)
    put(settings, "d.yaml", DAILY + b"cv: 3\n")
    second = intake.take("d", day, settings, backfill=False)
    assert f"{sweep_of('d', DAILY)}__2026-01-15" == first.sweep
    assert f"{sweep_of('d', DAILY + b'cv: 3' + bytes([10]))}__2026-01-15" == second.sweep
    assert [("2026-01-15", True), ("2026-01-15", False)] == [
        (each.partition, each.backfill) for each in (first, second)
    ]


def test_a_daily_that_took_another_name_is_told(settings):
    """A run of the old DAG does not sweep under the new name."""
    put(settings, "d.yaml", DAILY)
    intake.scan(settings)
    put(settings, "d.yaml", DAILY.replace(b"name: d", b"name: e"))
    with pytest.raises(NotFoundError, match="but is that of 'e' now"):
        intake.take("d", date(2026, 1, 15), settings, backfill=True)
