"""Grid file -> ``SweepSpec``: every mistake that can be seen without the data, at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from sweepstake.domain.spec import (
    EACH_CLASS,
    BackfillPolicy,
    CsvSpec,
    DataSpec,
    Keep,
    Limits,
    OnInvalid,
    Preprocess,
    PromotionPolicy,
    SweepSpec,
    Unanswered,
)
from sweepstake.errors import MOST_COUNTED, GridFileError, Problem, SweepstakeError
from sweepstake.gridfile import (
    candidates,
    foldings,
    foreign,
    metrics,
    schedules,
    schema,
    search_space,
    searches,
    stoppings,
    tasks,
    variants,
)
from sweepstake.gridfile.allowlist import must_be_used
from sweepstake.gridfile.document import line_of, written_at
from sweepstake.gridfile.file_names import default_name
from sweepstake.gridfile.grid_file import GridFile
from sweepstake.gridfile.json_file import read_json
from sweepstake.gridfile.units import bytes_of, seconds_of
from sweepstake.gridfile.yaml_file import read_yaml
from sweepstake.storage import files
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sweepstake.gridfile.document import Document
    from sweepstake.settings import Settings

log = logging.getLogger(__name__)

OUR_FAULT = "That is a fault of Sweepstake: report it, and leave out what is unusual meanwhile."
LARGEST = 1_000_000
"""Bytes; a grid of ten thousand values has about a tenth of that."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Draft:
    """A grid file as far as it can be understood: ``data`` and ``spec`` where they are sound."""

    file: str
    lines: Mapping[str, int]
    problems: tuple[Problem, ...]
    data: DataSpec | None = None
    grid: GridFile | None = None


def load(path: Path, settings: Settings) -> GridFile:
    """Read the grid file at ``path``.

    Raises:
        GridFileError: it cannot be read or is wrong; carries every problem with path and line.
    """
    return parse(read(path), str(path), settings)


def read(path: Path) -> bytes:
    """The bytes of a file, at most one more than a grid file may have.

    Raises:
        GridFileError: the file cannot be read, or is a pipe or a device.
    """
    try:
        return files.read(path, LARGEST)
    except OSError as error:
        raise unreadable(str(path), error) from error


def unreadable(file: str, error: OSError) -> GridFileError:
    """The mistake of a file that cannot be read."""
    reason = error.strerror or type(error).__name__
    fault = f"cannot be read: {reason}. Check its name and permissions."
    if isinstance(error, files.OutsideError):
        fault = "must not be a link that leads out of the watched folder. Copy the file there."
    return GridFileError(file, [Problem(0, "", fault)])


def parse(content: bytes, file: str, settings: Settings) -> GridFile:
    """Read a grid file from its bytes.

    ``file`` is its name for display: JSON where it ends in ``.json``, else YAML; its stem is the
    default name of the sweep.

    Raises:
        GridFileError: the file is wrong; carries every problem with path and line.
    """
    sketch = draft(content, file, settings)
    if sketch.grid is None:
        raise GridFileError(file, sketch.problems)
    return sketch.grid


def values(content: bytes, file: str) -> Mapping[str, Any]:
    """What a grid file says, as plain values; variants of the course's shape in its own words.

    Raises:
        GridFileError: it is not YAML or JSON, or not a mapping.
    """
    return dict(_document(content, file).value)


def draft(content: bytes, file: str, settings: Settings) -> Draft:
    """Understand a grid file as far as possible, and collect its mistakes.

    What nobody thought of is a mistake of this file as well: one file must not keep those beside it
    from being read.

    Raises:
        GridFileError: the file is not YAML or JSON, not a mapping, or cannot be understood.
        SettingsError: the settings allow other classifiers than this process does.
    """
    must_be_used(settings.estimators)
    try:
        return _draft(content, file, settings)
    except SweepstakeError:
        raise
    except Exception as error:
        log.exception("a grid file could not be understood")
        message = f"must be understood, but that ended with {type(error).__name__}. {OUR_FAULT}"
        raise GridFileError(file, [Problem(0, "", message)]) from error


def _draft(content: bytes, file: str, settings: Settings) -> Draft:
    document = _document(content, file)
    raw: dict[str, Any] = document.value
    problems = tuple(sorted(set(islice(_problems(document), MOST_COUNTED))))
    broken = {problem.path.partition(".")[0] for problem in problems}
    problems = tuple(_as_written(problem, document) for problem in problems)
    sound = "data" not in broken and schema.is_data(raw.get("data", {"source": ""}))
    data = _data(raw, settings) if sound else None
    if problems:
        return Draft(file, document.lines, problems, data)
    spec = _spec(raw, file, settings)
    problems = tuple(_as_written(each, document) for each in _oversize(spec, document.lines))
    digest = sha256(content).hexdigest()
    grid = None if problems else GridFile(file, digest, spec, document.lines, document.origins)
    return Draft(file, document.lines, problems, data, grid)


def document_of(content: bytes, file: str) -> Document:
    """The values of a file and their lines, whatever they mean.

    Raises:
        GridFileError: it is not UTF-8, or not YAML or JSON.
    """
    text = text_of(content, file)
    reader = read_json if file.lower().endswith(".json") and text.strip() else read_yaml
    return reader(text, file)


def _document(content: bytes, file: str) -> Document:
    known = schema.schema()["properties"]
    document = document_of(content, file)
    if document.value is None:
        _refuse(file, 0, "must describe a sweep, but is empty. Write at least data and estimator.")
    document = variants.as_course(document, known)
    if message := foreign.message_of(document.value, known):
        _refuse(file, document.lines[""], message)
    if not isinstance(document.value, dict):
        value = shown(document.value)
        _refuse(
            file, document.lines[""], f"must be a mapping, but got {value}. Write 'key: value'."
        )
    return document


def _as_written(problem: Problem, document: Document) -> Problem:
    """The mistake at the place that the file writes; those of its syntax are there already."""
    if problem in document.problems:
        return problem
    return replace(problem, path=written_at(problem.path, document.origins))


def text_of(content: bytes, file: str) -> str:
    """The text of a file in UTF-8, with or without its byte order mark.

    Raises:
        GridFileError: it is too large, in another encoding, or no text.
    """
    if len(content) > LARGEST:
        _refuse(file, 0, f"must not be larger than {LARGEST:,} bytes. Split the sweep.")
    if content.startswith(UTF_16):
        _refuse(file, 0, "must be UTF-8 text, but is UTF-16. Save it as UTF-8.")
    if b"\0" in content:
        _refuse(file, 0, "must be UTF-8 text, but holds binary data. Name a YAML or JSON file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"0x{content[error.start]:02x}"
        _refuse(file, line, f"must be UTF-8 text, but has the byte {byte}. Save it as UTF-8.")


def _refuse(file: str, line: int, message: str) -> NoReturn:
    raise GridFileError(file, [Problem(line, "", message)])


def _problems(document: Document) -> Iterator[Problem]:
    """Everything that is wrong with the parts of a file, wherever each part can be understood."""
    raw, lines = document.value, document.lines
    yield from document.problems
    yield from schema.problems_of(document)
    for written in candidates.read_candidates(raw):
        yield from candidates.problems_of(written, lines)
    yield from candidates.doubled(raw, lines)
    yield from schedules.problems_of(raw, lines)
    yield from searches.problems_of(raw, lines)
    yield from foldings.problems_of(raw, lines)
    yield from stoppings.problems_of(raw, lines)
    yield from tasks.problems_of(raw, lines)
    yield from tasks.metric_problems(raw, lines)
    yield from _guard_problems(raw, lines)
    yield from _sign_problems(raw, lines)


def _sign_problems(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Of thousands and decimals with one sign no number could be told."""
    data = raw.get("data")
    section = data.get("csv") if isinstance(data, dict) else None
    if not isinstance(section, dict):
        return
    sign = section.get("thousands")
    if sign in (".", ",") and sign == section.get("decimal", "."):
        way_out = "Write decimal: ',' as well." if sign == "." else "Write one of them."
        message = f"must be another sign than that of decimals, but both are {sign!r}. {way_out}"
        yield Problem(line_of(lines, "data.csv.thousands"), "data.csv.thousands", message)


def _guard_problems(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    section = raw.get("promotion")
    guards = section.get("guards") if isinstance(section, dict) else None
    for number, guard in enumerate(guards if isinstance(guards, list) else ()):
        message = metrics.problem_of(guard, tasks.read(raw)) if guard != EACH_CLASS else None
        if message:
            path = f"promotion.guards[{number}]"
            message = message.replace("a scikit-learn scorer", f"{EACH_CLASS} or a scorer")
            yield Problem(line_of(lines, path), path, message)


def _oversize(spec: SweepSpec, lines: Mapping[str, int]) -> Iterator[Problem]:
    drawn = spec.search.trials
    points, most = drawn or search_space.size(spec), spec.limits.max_trials
    if points > most:
        whole = next((key for key in ("grid", "candidates", "configs") if key in lines), "")
        path = "search.trials" if drawn else whole
        way_out = "Lower it" if drawn else "Remove values"
        message = (
            f"must have at most {most:,} trials, but has {points:,}. "
            f"{way_out}, or raise limits.max_trials."
        )
        yield Problem(line_of(lines, path), path, message)


def _spec(raw: Mapping[str, Any], file: str, settings: Settings) -> SweepSpec:
    """The spec of a sound file."""
    name = raw.get("name", default_name(file))
    return SweepSpec(
        name=name,
        model=raw.get("model", name),
        data=_data(raw, settings),
        candidates=tuple(map(candidates.candidate, candidates.read_candidates(raw))),
        metric=tasks.metric(raw),
        preprocess=Preprocess(raw.get("preprocess", Preprocess.AUTO)),
        on_invalid=OnInvalid(raw.get("on_invalid", OnInvalid.REFUSE)),
        register_top=_register_top(raw.get("register", "all")),
        limits=_limits(raw.get("limits", {})),
        promotion=_promotion(raw.get("promotion", {})),
        schedule=schedules.read(raw),
        keep=Keep(**raw["keep"]) if "keep" in raw else None,
        search=searches.read(raw),
        metrics=tasks.tracked(raw),
        **foldings.read(raw),
        seed=raw.get("seed", 0),
        share=raw.get("share", True),
    )


def _data(raw: Mapping[str, Any], settings: Settings) -> DataSpec:
    """The data section; the course's shape may leave it to the settings."""
    section = {**raw.get("data", {"source": settings.default_source}), **schedules.days(raw)}
    section |= {**foldings.columns(raw), "task": tasks.read(raw)}
    section.pop("window", None)
    target = section.pop("target", ())
    section["target"] = (target,) if isinstance(target, str) else tuple(target)
    section["csv"] = _csv(section.get("csv", {}))
    return DataSpec(**{**section, "drop": tuple(section.get("drop", ()))})


def _csv(section: Mapping[str, Any]) -> CsvSpec:
    tuples = {key: tuple(value) for key, value in section.items() if isinstance(value, list)}
    separator = section.get("separator", "").replace("tab", "\t")
    return CsvSpec(**{**section, **tuples, "separator": separator})


def _promotion(section: Mapping[str, Any]) -> PromotionPolicy:
    kinds: dict[str, Callable[[Any], Any]] = {
        "backfill": BackfillPolicy,
        "guards": tuple,
        "max_size": bytes_of,
        "wait": seconds_of,
        "then": Unanswered,
    }
    return PromotionPolicy(
        **{key: kinds[key](value) if key in kinds else value for key, value in section.items()}
    )


def _limits(section: Mapping[str, Any]) -> Limits:
    return Limits(**{**section, "trial_memory": bytes_of(section.get("trial_memory"))})


def _register_top(register: str | Mapping[str, int]) -> int | None:
    if isinstance(register, str):
        return {"all": None, "best": 1}[register]
    return register["top"]
