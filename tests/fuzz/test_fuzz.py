"""Fuzzing of what reads strangers' files: each one ends in a sweep or in its list of mistakes.

``make test`` runs a few hundred files, ``make fuzz`` a hundred thousand:
``python tests/fuzz/test_fuzz.py --files 100000 --seed 1`` prints what came of them and fails on a
traceback, a file that takes more than `MOST_SECONDS`, or memory that grows by more than
`MOST_MEGABYTES`. A file is made from its seed and number alone, so any of them can be made again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from sweepstake.data import dataset, splitting
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import MOST_PROBLEMS, DataError, GridFileError
from sweepstake.gridfile import loader, search_space
from sweepstake.gridfile.schema import schema
from sweepstake.intake import daily_files, intake
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

GRIDS = Path(__file__).parents[1] / "grids"
MOST_SECONDS = 10.0
MOST_MEGABYTES = 200
SHORT = 600
LARGEST = 200_000
"""Bytes that a mutation begins with, so that repeated lines do not add up without end."""
SCAN_EVERY = 100
"""Files that lie in the watched folder together when it is scanned."""

PIECES = (
    *(b"\t", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1b[31m", b"\x85", b"\r", b"\n"),
    *(b"1e-3", b"on", b"off", b"y", b"~", b"null", b"2026-01-31", b"12:30:00", b".nan", b"-.inf"),
    *(b"NaN", b"Infinity", b"0x1F", b"0o17", b"1_000", b"1e400", b"-0", b"9" * 500, b"=", b"<<"),
    *(b"!!python/object/apply:os.system [id]", b"!!binary aGk=", b"&a [*a]", b"*a", b"&a ", b"---"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"? ",
        b"| ",
        b"> ",
        b'"',
        b"'",
        b"#",
        b"%",
        b"@",
        b"`",
    ),
    *(b"../../etc/passwd.csv", b"file:///etc/passwd", b"http://u:p@h/a.csv", b"sklearn:digits"),
    *(b"\\ud800", b"\\u0000", "решётка".encode(), "\N{PILE OF POO}".encode(), b"\xc3\x28"),
    *(b"estimator", b"grid", b"params", b"data", b"candidates", b"configs", b"kwargs", b"limits"),
    *(b"GaussianNB", b"RandomForestClassifier", b"VotingClassifier", b"os.system", b"SVC"),
)
VALUES = (
    *(None, True, False, 0, 1, -1, 2, 3.5, 1e-3, float("inf"), 10**12, -(10**30), 10**300, "", "x"),
    *(
        "null",
        "on",
        "\t",
        "a\nb",
        "\x1b]0;x\x07",
        "{{ ds }}",
        "{partition}",
        "' or 1=1 --",
        "é" * 90,
    ),
    *([], {}, [[]], [None], [1, [2]], {"a": {}}, {"": 0}, {1: 2}, [{}] * 3),
    *({"estimator": "SVC"}, {"estimator": "SVC", "params": {"C": -1}}, {"estimator": []}),
)
CLASSIFIERS = (
    *(
        "GaussianNB",
        "RandomForestClassifier",
        "sklearn.svm.SVC",
        "VotingClassifier",
        "MLPClassifier",
    ),
    *("BaggingClassifier", "LinearRegression", "os.system", "sklearn.svm._classes.SVC", "KNN"),
)
PARAMS = (
    *(
        "C",
        "n_estimators",
        "max_depth",
        "estimator",
        "estimators",
        "estimator__C",
        "kernel",
        "class_weight",
    ),
    *(
        "hidden_layer_sizes",
        "random_state",
        "n_jobs",
        "criterion",
        "learning_rage",
        "__class__",
        "x__y__z",
    ),
)


@dataclass
class Tally:
    """What came of the files so far."""

    outcomes: Counter = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    crashes: list[str] = field(default_factory=list)


def make(seed: int, number: int) -> tuple[str, bytes]:
    """The name and the bytes of one file."""
    rng = random.Random(f"{seed}/{number}")
    suffix = rng.choice((".yaml", ".yaml", ".yml", ".json"))
    maker = rng.choices((_mutated, _structured, _sound, _raw, _huge), (45, 30, 20, 5, 0.1))[0]
    if rng.random() < 0.05:
        suffix, maker = rng.choice((".csv", ".csv", ".parquet")), _table
    return f"{maker.__name__}-{number}{suffix}", maker(rng, suffix)


def _mutated(rng, suffix):
    """A file of ``tests/grids`` with a few bytes, pieces or lines changed."""
    content = rng.choice(_corpus(".json" if suffix == ".json" else ".yaml"))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        content = rng.choice((_flip, _insert, _cut, _repeat, _splice))(rng, content[:LARGEST])
    return content


_SEEDS: dict[str, list[bytes]] = {}


def _corpus(suffix):
    if suffix not in _SEEDS:
        paths = sorted(GRIDS.glob(f"*valid/*{suffix}"))
        _SEEDS[suffix] = [path.read_bytes()[:20_000] for path in paths]
    return _SEEDS[suffix]


def _at(rng, content):
    return rng.randint(0, len(content))


def _flip(rng, content):
    at = _at(rng, content)
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def _insert(rng, content):
    at = _at(rng, content)
    return content[:at] + rng.choice(PIECES) + content[at:]


def _cut(rng, content):
    first, last = sorted((_at(rng, content), _at(rng, content)))
    return content[:first] + content[last:]


def _repeat(rng, content):
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    at = rng.randrange(len(lines))
    return b"".join(lines[:at] + [lines[at]] * rng.choice((2, 3, 50)) + lines[at:])


def _splice(rng, content):
    other = rng.choice(_corpus(".yaml"))
    return content[: _at(rng, content)] + other[_at(rng, other) :]


def _structured(rng, suffix):
    """A mapping with keys of the schema and values that often are of the wrong kind."""
    keys = [key for key in schema()["properties"] if rng.random() < 0.25]
    raw = {key: _section(rng, key) for key in (*keys, rng.choice(("estimator", "classificator")))}
    if rng.random() < 0.8:
        raw["data"] = {"source": "sklearn:iris", **_some(rng, ("target", "drop", "holdout"))}
    if suffix == ".json":
        return json.dumps(raw, allow_nan=True, ensure_ascii=rng.random() < 0.5).encode()
    style = rng.choice((None, True, False))
    return yaml.safe_dump(raw, default_flow_style=style, allow_unicode=True).encode()


SOUND = {
    "GaussianNB": {"var_smoothing": (1e-9, 1e-3, 0, 1)},
    "RandomForestClassifier": {
        "n_estimators": (1, 10, 10**6),
        "max_depth": (None, 1, 10**30),
        "max_features": ("sqrt", None, 0.5, 1),
        "class_weight": (None, "balanced", {0: 1, 1: 2}),
    },
    "SVC": {"C": (1, 1.0, 1e-3, 1e300), "gamma": ("scale", 0.1), "tol": (1e-3,)},
    "BaggingClassifier": {"estimator": ({"estimator": "SVC"}, None), "n_estimators": (2, 3)},
    "MLPClassifier": {"hidden_layer_sizes": ([5], [20, 100, 20]), "alpha": (0, 1e-4)},
}


def _sound(rng, suffix):
    """A file without a mistake: one product, several, or several classifiers."""
    name = rng.choice(tuple(SOUND))
    raw = {"data": {"source": "sklearn:iris"}, "cv": rng.randint(2, 100), **_searched(rng, name)}
    if rng.random() < 0.3:
        raw = {"data": raw["data"], "candidates": [_searched(rng, name) for name in SOUND]}
    if rng.random() < 0.3:
        raw |= {"register": {"top": 10**9}, "limits": {"max_failed": 10**400}}
    text = (
        json.dumps(raw, indent=rng.choice((None, 1))) if suffix == ".json" else yaml.safe_dump(raw)
    )
    return text.encode("utf-8-sig" if rng.random() < 0.1 else "utf-8")


def _searched(rng, name):
    """A classifier with values of its axes, each of them once or more often."""
    axes = {key: rng.choices(values, k=rng.randint(1, 5)) for key, values in SOUND[name].items()}
    fixed = {"params": {"verbose": 0}} if name != "GaussianNB" else {}
    return {"estimator": name, **fixed, "grid": rng.choice((axes, [axes, axes], [axes, {}]))}


def _some(rng, keys):
    return {key: _value(rng) for key in keys if rng.random() < 0.3}


def _section(rng, key):
    if rng.random() < 0.15:
        return _value(rng)
    if key in {"estimator", "classificator"}:
        return rng.choice(CLASSIFIERS)
    if key == "grid":
        axes = {name: [_value(rng) for _ in range(rng.randint(0, 9))] for name in _names(rng)}
        return [axes, {}] if rng.random() < 0.2 else axes
    if key in {"params", "kwargs"}:
        return {name: _value(rng) for name in _names(rng)}
    if key in {"candidates", "configs"}:
        parts = ("estimator", "classificator", "params", "kwargs", "grid")
        some = [part for part in parts if rng.random() < 0.6]
        return [{part: _section(rng, part) for part in some} for _ in range(rng.randint(0, 4))]
    known = schema()["properties"][key].get("properties", ())
    return _some(rng, known) if known else _value(rng)


def _names(rng):
    return rng.sample(PARAMS, rng.choice((0, 1, 2, 3, 6)))


def _value(rng):
    return rng.choice((rng.choice(VALUES), rng.randint(-5, 200), rng.random()))


def _raw(rng, suffix):
    """Bytes without a plan, or pieces without an order."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.choice((0, 1, 2, 100, 5_000)))
    text = b"".join(
        rng.choice(PIECES) + rng.choice((b"", b" ", b"\n")) for _ in range(rng.randint(1, 60))
    )
    return text.decode("utf-8", "replace").encode("utf-16") if rng.random() < 0.05 else text


def _huge(rng, suffix):
    """Files at the limits of size, depth, number of values, of mistakes and of points."""
    sound = b'data: {source: "sklearn:iris"}\nestimator: RandomForestClassifier\n'
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    bomb += b"".join(
        b"%c: &%c [%s]\n" % (i, i, b",".join([b"*%c" % (i - 1)] * 9)) for i in range(98, 110)
    )
    axes = (b"n_estimators", b"max_depth", b"max_leaf_nodes", b"min_samples_leaf")
    numbers = b",".join(b"%d" % (n + 2) for n in range(1000))
    makers = (
        lambda: rng.randbytes(10_000_000),
        lambda: b"x" * 10_000_000,
        lambda: b"[" * 900_000,
        lambda: b"a: " + b"[" * 900_000,
        lambda: b"\n".join(b" " * n + b"a:" for n in range(1_200)),
        lambda: b"- " * 400_000,
        lambda: bomb,
        lambda: b"estimator: GaussianNB\n" * 40_000,
        lambda: sound + b"params:\n" + b"".join(b"  p%d: 1\n" % n for n in range(49_000)),
        lambda: sound + b"".join(b"p%d: 1\n" % n for n in range(49_000)),
        lambda: sound + b"grid: {max_depth: [%s]}" % b",".join(b"x%d" % n for n in range(90_000)),
        lambda: b"configs:\n" + b"".join(b"- {classificator: SVX%d}\n" % n for n in range(24_000)),
        lambda: b"configs:\n" + b"".join(b"- {clasificator: %d}\n" % n for n in range(24_000)),
        lambda: sound + b"grid: {%s}" % b", ".join(b"%s: [%s]" % (name, numbers) for name in axes),
        lambda: sound + b"grid:\n" + b"- {max_depth: [1, 2, 3]}\n" * 9_000,
        lambda: b"estimator: " + b"x" * 900_000,
        lambda: b"x" * 900_000 + b": 1",
        lambda: b"seed: " + b"9" * 900_000,
        lambda: b'{"a": ' * 5_000,
    )
    return rng.choice(makers)()


def _table(rng, suffix):
    """A data file of ``tests/grids/data`` changed as grid files are."""
    name = (
        "flowers.parquet"
        if suffix == ".parquet"
        else rng.choice(("gaps.csv", "flowers.csv", "tags.csv"))
    )
    content = (GRIDS / "data" / name).read_bytes()
    for _ in range(rng.choice((1, 2, 5))):
        content = rng.choice((_flip, _insert, _cut, _repeat))(rng, content)
    return content


def swallow(file, content, settings):
    """Take one file in, wherever it belongs; what it must not do ends in an AssertionError."""
    if file.endswith((".csv", ".parquet")):
        return _swallow_table(file, content, settings)
    named, parses = intake.identify(content, file, settings)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", named), named
    try:
        grid = loader.parse(content, file, settings)
    except GridFileError as error:
        assert not parses
        _hold_to_form(error, content)
        return "refused"
    assert parses
    _expand(grid.spec)
    return "read"


def _hold_to_form(error, content):
    """Every problem is a sentence with a line of the file, and can be shown on any terminal."""
    assert loader.OUR_FAULT not in str(error)
    lines = content.count(b"\n") + content.count(b"\r") + content.count(b"\x85") + 2
    lines += content.count("\N{LINE SEPARATOR}".encode()) + content.count(
        "\N{PARAGRAPH SEPARATOR}".encode()
    )
    assert error.problems
    assert len(error.problems) <= MOST_PROBLEMS + 1
    for problem in error.problems:
        assert 0 <= problem.line <= lines, problem
        assert problem.message.endswith((".", "?")), problem
        assert str(problem).isprintable(), problem
    assert len(str(error).encode()) < loader.LARGEST


def _expand(spec):
    trials = search_space.trials(spec, "digest")
    assert 0 < len(trials) <= search_space.size(spec) <= spec.limits.max_trials
    assert trials[-1].number == len(trials) - 1
    keys = {trial.key for trial in trials[:50]}
    assert len(keys) == min(50, len(trials))


def _swallow_table(file, content, settings):
    (root,) = settings.data_roots
    (root / file).write_bytes(content)
    target = ("a", "b", "c") if content.startswith(b"a,") else ("kind",)
    try:
        table = dataset.read(DataSpec(file, target), settings.data_roots)
        divided = dataset.divide(table, splitting.split(table, 0.2, 0))
    except DataError as error:
        refusal = str(error)
    else:
        assert len(divided.y_train) + len(divided.y_holdout) == len(table.y)
        return "data read"
    finally:
        (root / file).unlink()
    assert refusal.partition(":")[0] in {"data.source", "data.target", "data.holdout"}, refusal
    assert all(line.isprintable() for line in refusal.split("\n"))
    return "data refused"


def swallow_folder(files, settings):
    """Let intake look at files in the watched folder: a sweep for each content, or a DAG by day."""
    for name, content in files:
        path = settings.grids / name
        path.write_bytes(content)
        os.utime(path, (0, 0))
    drops = {drop.snapshot for drop in intake.scan(settings)}
    daily = {each.file for each in daily_files.published(Workspace(settings.workspace))}
    for name, content in files:
        (settings.grids / name).unlink()
        snapshot = sha256(content[: loader.LARGEST + 1]).hexdigest()
        assert (name in daily) != (snapshot in drops), name


def settings_in(folder):
    """Settings whose watched folder and only data root are ``folder``."""
    (folder / "grids").mkdir()
    environ = {"SWEEPSTAKE_HOME": str(folder), "SWEEPSTAKE_GRIDS": str(folder / "grids")}
    return replace(load_settings(environ), data_roots=(folder / "grids",))


def run(seed, numbers, settings, tally):
    """Make and swallow files, and keep the tally; a crash is noted, not raised."""
    waiting = []
    for number in numbers:
        file, content = make(seed, number)
        began = time.perf_counter()
        try:
            tally.outcomes[swallow(file, content, settings)] += 1
            if not file.endswith((".csv", ".parquet")) and number % 10 == 0:
                waiting.append((file, content))
            if len(waiting) == SCAN_EVERY:
                files, waiting = waiting, []
                swallow_folder(files, settings)
                tally.outcomes["scanned"] += len(files)
        except Exception:  # noqa: BLE001 - this is what the run looks for
            tally.crashes.append(f"{file} of seed {seed}:\n{traceback.format_exc()}")
        tally.slowest = max(tally.slowest, (time.perf_counter() - began, file))
    return tally


@pytest.mark.filterwarnings("default")
def test_no_file_ends_in_a_traceback(tmp_path):
    """Generated files of every kind are read or refused in sentences, never anything else."""
    tally = run(0, range(SHORT), settings_in(tmp_path), Tally())
    assert [] == tally.crashes
    assert SHORT == sum(tally.outcomes.values()) - tally.outcomes["scanned"]


def peak_megabytes():
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    """Run as many files as asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        tally = run(arguments.seed, range(200), settings, Tally())  # loads every library
        before = peak_megabytes()
        run(arguments.seed, range(200, arguments.files), settings, tally)
    grown = peak_megabytes() - before
    seconds, file = tally.slowest
    minutes = (time.perf_counter() - began) / 60
    took = f"{arguments.files:,} files of seed {arguments.seed} in {minutes:.1f} minutes"
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(tally.outcomes.items()))
    sys.stdout.write("\n".join([*tally.crashes[:20], f"{took}: {outcomes}"]))
    sys.stdout.write(
        f"\n{len(tally.crashes):,} crashes; slowest {seconds:.2f} s ({file}); "
        f"memory grew by {grown:.0f} MB at most\n"
    )
    return bool(tally.crashes) or seconds > MOST_SECONDS or grown > MOST_MEGABYTES


if __name__ == "__main__":
    sys.exit(main())
