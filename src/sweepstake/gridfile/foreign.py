"""Files of other tools, and parameter grids alone: whose they are, and how they are written here.

Such a file gets one message with the whole file rewritten, not one for each of its keys. What the
file does not say stands in capitals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.allowlist import PIPELINE, dotted
from sweepstake.gridfile.variants import CLASSIFIER_KEYS, KWARGS_KEYS
from sweepstake.gridfile.yaml_file import plain_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST = 600
"""Characters of a rewritten file; of a longer one, the grids are left out."""
DEEPEST = 4
"""Levels of a foreign file that are looked into."""
PIPED = "a pipeline; here 'steps' is what stands before the classifier"
PAIR = 2
"""A step has a name and what stands there."""
DATA = {"source": "FILE", "target": "COLUMN"}
CLASS_KEYS = ("class_path", "_target_", "class", "estimator_class", *CLASSIFIER_KEYS)
PARAMS_KEYS = ("init_args", *KWARGS_KEYS)
NAMED = frozenset({"estimator", "candidates", "classificator", "configs"})
"""A file with one of these keys names its classifiers in our own words."""
GRID_KEYS = ("param_grid", "search_param_grid", "param_distributions", "search_space", "grid")


def message_of(raw: Any, known: Mapping[str, Any]) -> str | None:
    """Whose file it is and how it is written here; ``None`` for a file of our own.

    ``known`` are the keys of a grid file.
    """
    whose, rewritten = reading(raw, known)
    if not whose:
        return None
    message = f"is {whose}. Write `{_flow(rewritten)}`"
    return f"{message}, or let sweepstake import write it." if whose != PIPED else f"{message}."


def reading(raw: Any, known: Mapping[str, Any]) -> Reading:
    """Whose file it is, and the file as it is written here; both empty for one of our own."""
    found = (reader(raw, known) for reader in READERS)
    return next((each for each in found if each[0]), NONE)


Reading = tuple[str, "dict[str, Any]"]
NONE: Reading = ("", {})


def _wandb(raw: Any, _: Mapping[str, Any]) -> Reading:
    params = _mapping(raw, "parameters")
    if not params or not {"method", "program", "command"}.intersection(raw):
        return NONE
    return "a sweep of Weights & Biases", _searched(_spaces(params))


def _katib(raw: Any, _: Mapping[str, Any]) -> Reading:
    if "kubeflow.org" not in str(_mapping(raw, "").get("apiVersion", "")):
        return NONE
    listed = _mapping(raw, "spec").get("parameters")
    parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    spaces = {str(part.get("name")): part.get("feasibleSpace") for part in parts}
    return "an experiment of Katib", _searched(_spaces(spaces))


def _sagemaker(raw: Any, _: Mapping[str, Any]) -> Reading:
    found = next((part for part in _parts(raw) if "ParameterRanges" in part), {})
    kinds = _mapping(found, "ParameterRanges").values()
    ranges = [one for kind in kinds if isinstance(kind, list) for one in kind]
    if not ranges:
        return NONE
    spaces = {str(one.get("Name")): one for one in ranges if isinstance(one, dict)}
    return "a tuning job of SageMaker", _searched(_spaces(spaces))


def _hydra(raw: Any, _: Mapping[str, Any]) -> Reading:
    sweeper = _mapping(_mapping(raw, "hydra"), "sweeper")
    if not isinstance(raw, dict) or not {"hydra", "defaults"}.intersection(raw):
        return NONE
    spaces = {
        str(key).rpartition(".")[2]: [plain_number(part.strip()) for part in str(value).split(",")]
        for key, value in _mapping(sweeper, "params").items()
    }
    return "a configuration of Hydra", _searched(_spaces(spaces), _named_class(raw))


def _nni(raw: Any, _: Mapping[str, Any]) -> Reading:
    """Each parameter is ``{_type: choice, _value: [...]}``, alone or under ``searchSpace``."""
    space = _mapping(raw, "searchSpace") or _mapping(raw, "")
    if not space or not all(isinstance(one, dict) and "_type" in one for one in space.values()):
        return NONE
    return "a search space of NNI", _searched(_spaces(space))


def _polyaxon(raw: Any, _: Mapping[str, Any]) -> Reading:
    matrix = _mapping(raw, "matrix")
    if not matrix or "params" not in matrix:
        return NONE
    return "an operation of Polyaxon", _searched(_spaces(_mapping(matrix, "params")))


def _pipeline(raw: Any, _: Mapping[str, Any]) -> Reading:
    """A pipeline as scikit-learn has it, its classifier among the steps."""
    params, name = _mapping(raw, "params"), _mapping(raw, "").get("estimator")
    steps = params.get("steps")
    if str(name).rpartition(".")[2] != PIPELINE or not isinstance(steps, list) or not steps:
        return NONE
    if not all(isinstance(pair, list) and len(pair) == PAIR for pair in steps):
        return NONE
    *before, (prefix, last) = steps
    classifier = last if isinstance(last, dict) else {"estimator": last}
    grid = {str(key).removeprefix(f"{prefix}__"): v for key, v in _mapping(raw, "grid").items()}
    own = {"steps": {str(step): _placed(value) for step, value in before}}
    rest = {key: raw[key] for key in raw if key not in {"data", "estimator", "params", "grid"}}
    written = {"data": raw.get("data", DATA), **own, **classifier, "grid": grid, **rest}
    return PIPED, {key: value for key, value in written.items() if value}


def _placed(value: Any) -> Any:
    """What stands in a step: its class alone, where it has no parameters."""
    alone = isinstance(value, dict) and value.keys() == {"estimator"}
    return value["estimator"] if alone else value


def _classes(raw: Any, _: Mapping[str, Any]) -> Reading:
    """A mapping of classifiers' names to their grids."""
    names = _mapping(raw, "")
    if not names or not all(isinstance(key, str) and dotted(key) for key in names):
        return NONE
    parts = [{"estimator": name, **_split(grid)} for name, grid in names.items()]
    return "a mapping of classifiers to their parameters", {"data": DATA, "candidates": parts}


def _grid_alone(raw: Any, known: Mapping[str, Any]) -> Reading:
    """The ``param_grid`` of ``GridSearchCV``: a mapping of lists, or a list of such."""
    grids = raw if isinstance(raw, list) else [raw]
    if not grids or not all(_is_grid(grid) and known.keys().isdisjoint(grid) for grid in grids):
        return NONE
    return "a parameter grid alone", {"data": DATA, "estimator": "CLASSIFIER", "grid": raw}


def _model_alone(raw: Any, _: Mapping[str, Any]) -> Reading:
    """A classifier's name where the registered model's belongs."""
    model = _mapping(raw, "").get("model")
    if not isinstance(model, str) or not dotted(model) or NAMED & raw.keys():
        return NONE
    params: Any = _first(raw, PARAMS_KEYS) or {}
    whose = "a file whose 'model' is a classifier; here 'model' names the registered model"
    return whose, {"classificator": dotted(model), "kwargs": params}


def _with_dataset(raw: Any, _: Mapping[str, Any]) -> Reading:
    """Classifiers under ``models`` and their data under ``dataset``."""
    data, models = _mapping(raw, "dataset"), _mapping(raw, "").get("models")
    if not data or not isinstance(models, list):
        return NONE
    parts = [part for part in models if isinstance(part, dict)]
    found = [one for part in parts if (one := _classifier(part))]
    section = {
        "source": _first(data, ("name_file", "file", "path", "source")) or "FILE",
        "target": _first(data, ("target_columns", "target_column", "target")) or "COLUMN",
    }
    drop = _first(data, ("drop_columns", "drop"))
    section |= {"drop": drop} if drop else {}
    configs = [{"classificator": one["estimator"], "kwargs": one["params"]} for one in found]
    whose = "in other words ('models' is 'configs' here, 'dataset' is 'data')"
    return whose, {"data": section, "configs": configs}


def _factory(raw: Any, known: Mapping[str, Any]) -> Reading:
    """Classes with their parameters and grids somewhere inside, as model factories have them."""
    found = [one for part in _parts(raw) if (one := _classifier(part)) and dotted(one["estimator"])]
    if not found or not isinstance(raw, dict) or known.keys() & raw.keys():
        return NONE
    inside = next((part for part in _parts(raw) if isinstance(part.get("scoring"), str)), {})
    rest = {"metric": inside["scoring"]} if inside else {}
    parts = [{key: value for key, value in one.items() if value} for one in found]
    alone = parts[0] if len(parts) == 1 else {"candidates": parts}
    return "a configuration of another program", {"data": DATA, **alone, **rest}


READERS: tuple[Callable[[Any, Mapping[str, Any]], Reading], ...] = (
    _wandb,
    _katib,
    _sagemaker,
    _hydra,
    _nni,
    _polyaxon,
    _pipeline,
    _classes,
    _with_dataset,
    _model_alone,
    _factory,
    _grid_alone,
)


def _mapping(raw: Any, key: str) -> dict[str, Any]:
    """The mapping under a key (``raw`` itself for none), or an empty one."""
    found = raw.get(key) if key and isinstance(raw, dict) else raw
    return found if isinstance(found, dict) else {}


def _parts(raw: Any, depth: int = DEEPEST) -> Iterator[dict[str, Any]]:
    """Every mapping in a file, the outermost first."""
    if depth and isinstance(raw, dict | list):
        if isinstance(raw, dict):
            yield raw
        for part in raw.values() if isinstance(raw, dict) else raw:
            yield from _parts(part, depth - 1)


def _first(raw: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((raw[key] for key in keys if raw.get(key)), None)


def _classifier(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """A class with its parameters and its grid."""
    name = _first(part, CLASS_KEYS)
    if not isinstance(name, str):
        return None
    module = part.get("module")
    full = f"{module}.{name}" if isinstance(module, str) and "." not in name else name
    params, grid = _first(part, PARAMS_KEYS), _first(part, GRID_KEYS)
    return {"estimator": full, "params": params or {}, "grid": grid or {}}


def _named_class(raw: Any) -> str:
    found = (_first(part, CLASS_KEYS) for part in _parts(raw))
    return next((name for name in found if isinstance(name, str)), "CLASSIFIER")


def _is_grid(raw: Any) -> bool:
    return isinstance(raw, dict) and bool(raw) and all(isinstance(v, list) for v in raw.values())


def _spaces(spaces: Mapping[Any, Any]) -> dict[str, Any]:
    """Parameters of another tool: one value each, or a list of them; text for what is a range."""
    return {str(name): _space(space) for name, space in spaces.items()}


def _space(space: Any) -> Any:
    if isinstance(space, list):
        return space
    if not isinstance(space, dict):
        return space
    if "value" in space and not isinstance(space["value"], list | dict):
        return space["value"]
    listed = space.get("_type", "choice") == "choice"  # NNI gives the bounds of a range as a list
    values = _first(space, ("values", "list", "Values", "_value", "value")) if listed else None
    return values if isinstance(values, list) else ["LIST", "OF", "VALUES"]


def _split(params: Any) -> dict[str, Any]:
    """Parameters divided into fixed ones and lists to search."""
    named = params if isinstance(params, dict) else {}
    fixed = {key: value for key, value in named.items() if not isinstance(value, list)}
    grid = {key: value for key, value in named.items() if isinstance(value, list)}
    return {key: part for key, part in (("params", fixed), ("grid", grid)) if part}


def _searched(params: dict[str, Any], estimator: str = "CLASSIFIER") -> dict[str, Any]:
    return {"data": DATA, "estimator": estimator, **_split(params)}


def _flow(rewritten: Mapping[str, Any]) -> str:
    """A file in one line of YAML."""
    import yaml

    def written(value: Any) -> str:
        text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
        return text.strip()

    text = written(dict(rewritten))
    if len(text) > LONGEST:
        text = written({k: "..." if k in {"grid", "params"} else v for k, v in rewritten.items()})
    outline = "{data: ..., candidates: [{estimator: CLASSIFIER, grid: ...}]}"
    return text if len(text) <= LONGEST else outline
