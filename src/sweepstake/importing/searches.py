"""Searches of scikit-learn in a source text: the grid that a call names, or one beside it."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweepstake.errors import GridFileError, Problem
from sweepstake.gridfile import boosters
from sweepstake.gridfile.allowlist import dotted
from sweepstake.gridfile.metrics import metric_names
from sweepstake.importing.literals import Names, NoLiteralError, shown, value_of
from sweepstake.importing.taken import Taken, is_range
from sweepstake.wording.near_misses import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
GRIDS = ("param_grid", "param_distributions", "param_distribution", "params", "parameters", "grid")
WHOSE = "a search of scikit-learn"
TAKEN = frozenset({"estimator", *GRIDS, "scoring", "cv", "n_iter", "random_state"})
KEYLESS = ast.Starred(ast.Name("grid", ast.Load()), ast.Load())
"""Stands for what is unpacked into a grid, or has no plain name in it."""
UNNEEDED = frozenset({"n_jobs", "verbose", "refit", "return_train_score", "error_score"})


def read(text: str, file: str, variable: str = "") -> Taken:
    """The search of a source text, which is read and never executed.

    Raises:
        GridFileError: it is no Python, or holds no grid, or several of which none is searched.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        message = (
            "must be Python that can be read, but is not. Check it, or write the grid as JSON."
        )
        raise GridFileError(file, [Problem(line, "", message)]) from None
    known = Names(
        {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
    )
    call = next(_calls(tree, SEARCHES), None)
    found = _grid(call, known, variable, file)
    taken = _of_grid(found, known)
    taken = _of_call(taken, call, known) if call else taken
    return _of_pipeline(taken, tree, known)


def _calls(tree: ast.AST, names: tuple[str, ...]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in names:
            yield node


def _name(function: ast.AST) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _grid(call: ast.Call | None, known: Names, variable: str, file: str) -> ast.AST:
    """The node of the grid: the one that is asked for, that is searched, or the only one."""
    if variable:
        if variable not in known:
            message = f"must assign {variable!r} at its top level, but has {_listed(known)}."
            raise GridFileError(file, [Problem(0, "", f"{message} Name one by --variable.")])
        return known[variable]
    given = _arguments(call) if call else {}
    searched = next((given[name] for name in GRIDS if name in given), None)
    if searched is not None:
        return searched
    likely = {name: node for name, node in known.items() if _is_grid(node)}
    if len(likely) == 1:
        return next(iter(likely.values()))
    if not likely:
        message = "must assign a grid, as in param_grid = {'C': [1, 10]}, but assigns none. Add it."
        raise GridFileError(file, [Problem(0, "", message)])
    message = f"must say which grid is meant, but assigns {_listed(likely)}."
    raise GridFileError(file, [Problem(0, "", f"{message} Name one by --variable.")])


def _listed(names: Mapping[str, Any]) -> str:
    return listed(list(names)[:10], "and") or "nothing"


def _is_grid(node: ast.AST) -> bool:
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return bool(parts) and all(isinstance(part, ast.Dict) and part.keys for part in parts)


def _arguments(call: ast.Call) -> Mapping[str, ast.AST]:
    """The arguments of a search by name: its first two are the estimator and the grid."""
    first = dict(zip(("estimator", "param_grid"), call.args, strict=False))
    return first | {str(each.arg): each.value for each in call.keywords}


def _of_grid(node: ast.AST, known: Names) -> Taken:
    """One mapping or a list of them, axis by axis: what is code is left out and told."""
    seen = known.get(getattr(node, "id", ""), node)
    parts = seen.elts if isinstance(seen, ast.List | ast.Tuple) else [seen]
    grids: list[dict[str, Any]] = []
    params: dict[str, Any] = {}
    notes = []
    for part in parts:
        mapping = known.get(getattr(part, "id", ""), part)
        grid: dict[str, Any] = {}
        for name, value, note in _axes(mapping, known):
            notes += [note] if note else []
            if (isinstance(value, list) and value) or is_range(value):
                grid[name] = value
            elif not note:
                params[name] = value
        grids += [grid] if grid else []
    return Taken(WHOSE, params, tuple(grids), notes=notes)


def _axes(node: ast.AST, known: Names) -> Iterator[tuple[str, Any, str]]:
    """Each axis: its name, its values or range, and why it could not be taken."""
    if isinstance(node, ast.Call) and _name(node.func) == "dict" and not node.args:
        pairs = [(each.arg or "", each.value) for each in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [(_key(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    else:
        yield "", None, f"line {getattr(node, 'lineno', 0)}: {shown(node)} is no mapping of lists."
        return
    for name, value in pairs:
        try:
            yield name, value_of(value if name else KEYLESS, known), ""
        except NoLiteralError as error:
            line = f"line {getattr(value, 'lineno', 0)}"
            yield name, None, f"{name or 'a key'} ({line}): {error} is code. List its values."


def _key(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _of_call(taken: Taken, call: ast.Call, known: Names) -> Taken:
    """What the call says beside the grid: its classifier, metric, folds and number of draws."""
    given = _arguments(call)
    others, notes = {}, list(taken.notes)
    for name, wanted in (("scoring", "metric"), ("cv", "cv")):
        value = _plain(given.get(name), known)
        if wanted == "metric" and value in metric_names():
            others["metric"] = value
        elif wanted == "cv" and type(value) is int:
            others["cv"] = value
        elif name in given and value is not None:
            notes.append(f"{name}: {shown(given[name])} could not be taken.")
        elif name in given:
            notes.append(f"{name}: {shown(given[name])} is code.")
    left = [name for name in given if name not in TAKEN | UNNEEDED]
    notes += [f"{listed(left, 'and')} of the call: no part of a grid file."] if left else []
    if _name(call.func).startswith("Halving"):
        notes.append("halving: write 'method: halving' under search.")
    trials = _plain(given.get("n_iter"), known)
    classifier = known.get(getattr(given.get("estimator"), "id", ""), given.get("estimator"))
    told = replace(
        taken,
        estimator=_class_name(classifier),
        others=others,
        notes=notes,
        trials=trials if type(trials) is int else 10 if "Random" in _name(call.func) else None,
    )
    return _made_with(told, classifier, known)


def _made_with(taken: Taken, node: ast.AST | None, known: Names) -> Taken:
    """Add the arguments that the classifier is made with; the grid goes before them."""
    if not isinstance(node, ast.Call) or not _class_name(node):
        return taken
    own, notes = _named_arguments(node, known)
    varied = {name for grid in taken.grids for name in grid}
    fixed = {name: [value] for name, value in own.items() if name in varied}
    params = {name: value for name, value in own.items() if name not in varied}
    if not known.spend(len(fixed) * len(taken.grids)):
        notes.append(
            f"{listed(list(fixed)[:10], 'and')}: there are too many grids to name them in."
        )
        fixed = {}
    return replace(
        taken,
        params=params | dict(taken.params),
        grids=tuple({**fixed, **grid} for grid in taken.grids),
        notes=[*taken.notes, *notes],
    )


def _named_arguments(call: ast.Call, known: Names) -> tuple[dict[str, Any], list[str]]:
    """The arguments of a call, and what of them could not be taken."""
    given = {each.arg: each.value for each in call.keywords if each.arg not in UNNEEDED}
    found, notes = dict[str, Any](), list[str]()
    if call.args or None in given:
        notes.append(f"line {call.lineno}: {shown(call)} has arguments without a name. Name them.")
    for name, node in given.items():
        try:
            value = value_of(node, known) if name else None
        except NoLiteralError as error:
            notes.append(f"{name} (line {node.lineno}): {error} is code. Write its value.")
            continue
        if name and (name, value) != ("random_state", None):
            found[name] = value
    return found, notes


def _plain(node: ast.AST | None, known: Names) -> Any:
    try:
        return None if node is None else value_of(node, known)
    except NoLiteralError:
        return None


def _class_name(node: ast.AST | None) -> str:
    name = _name(node.func) if isinstance(node, ast.Call) else ""
    return name if dotted(name) or boosters.is_known(name) else ""


def _of_pipeline(taken: Taken, tree: ast.AST, known: Names) -> Taken:
    """The steps of the first pipeline in the text, where its classifier is its last step."""
    call = next(_calls(tree, ("Pipeline", "make_pipeline")), None)
    pairs = list(_steps(call)) if call else []
    if not pairs:
        return taken
    *before, (last, classifier) = pairs
    steps, notes = {}, list(taken.notes)
    for name, node in before:
        value = _plain(node, known)
        if value is None:
            notes.append(f"the step {name!r}: {shown(node)} could not be taken.")
        else:
            steps[name] = value
    grids = tuple(_without(grid, last) for grid in taken.grids)
    node = known.get(getattr(classifier, "id", ""), classifier)
    told = replace(
        taken,
        steps=steps,
        params=_without(taken.params, last),
        grids=grids,
        estimator=taken.estimator or _class_name(node),
        notes=notes,
    )
    return told if taken.estimator else _made_with(told, node, known)


def _steps(call: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if _name(call.func) == "make_pipeline":
        yield from ((_name(getattr(each, "func", each)).lower(), each) for each in call.args)
        return
    listed_steps = call.args[0] if call.args else None
    for pair in listed_steps.elts if isinstance(listed_steps, ast.List) else ():
        if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and _key(pair.elts[0]):  # noqa: PLR2004
            yield _key(pair.elts[0]), pair.elts[1]


def _without(axes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(f"{prefix}__"): value for name, value in axes.items()}
