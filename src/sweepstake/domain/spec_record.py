"""The record of a sweep spec: what JSON keeps of it, from which an equal spec is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from sweepstake.domain.folding import FoldKind
from sweepstake.domain.search import Method, Range, Search, Stop
from sweepstake.domain.spec import (
    BackfillPolicy,
    Candidate,
    CsvSpec,
    DataSpec,
    EstimatorSpec,
    Keep,
    Limits,
    OnInvalid,
    Preprocess,
    PromotionPolicy,
    Schedule,
    Step,
    SweepSpec,
    Unanswered,
)
from sweepstake.domain.task import Task

LATER = ("metrics", "fold_kind", "repeats", "share")
LATER_OF_DATA = ("task", "weight", "groups", "times", "by_is_feature")
"""What earlier releases did not know: left out where it says nothing, so that records stay."""


def record_of(spec: SweepSpec) -> dict[str, Any]:
    """The spec in JSON's own types."""
    plain = {field.name: getattr(spec, field.name) for field in fields(spec)}
    del plain["search"]
    data = {**asdict(spec.data), "partition": str(spec.data.partition or "")}
    return {
        **_without(plain, spec, LATER),
        "data": _without(data, spec.data, LATER_OF_DATA),
        "candidates": [_of_candidate(each) for each in spec.candidates],
        "limits": asdict(spec.limits),
        "promotion": asdict(spec.promotion),
        "schedule": asdict(spec.schedule) if spec.schedule else None,
        "keep": asdict(spec.keep) if spec.keep else None,
        **({"search": asdict(spec.search)} if spec.search != Search() else {}),
    }


def _without(
    plain: dict[str, Any], of: SweepSpec | DataSpec, later: tuple[str, ...]
) -> dict[str, Any]:
    """The values, less those of ``later`` that are what they are without a word."""
    said_nothing = {
        field.name
        for field in fields(of)
        if field.name in later and getattr(of, field.name) == field.default
    }
    return {name: value for name, value in plain.items() if name not in said_nothing}


def spec_of(record: Mapping[str, Any]) -> SweepSpec:
    """The spec of a record, equal to the one that it was made of."""
    return SweepSpec(
        **{
            **record,
            "data": _data(record["data"]),
            "candidates": tuple(map(_candidate, record["candidates"])),
            "preprocess": Preprocess(record["preprocess"]),
            "metrics": tuple(record.get("metrics", ())),
            "fold_kind": FoldKind(record.get("fold_kind", FoldKind.STRATIFIED)),
            "on_invalid": OnInvalid(record["on_invalid"]),
            "limits": Limits(**record["limits"]),
            "promotion": _promotion(record["promotion"]),
            "schedule": Schedule(**record["schedule"]) if record["schedule"] else None,
            "keep": Keep(**record["keep"]) if record.get("keep") else None,
            "search": _search(record["search"]) if "search" in record else Search(),
        }
    )


def _data(record: Mapping[str, Any]) -> DataSpec:
    partition = date.fromisoformat(record["partition"]) if record["partition"] else None
    csv = {name: _tuple(value) for name, value in record["csv"].items()}
    plain = {name: _tuple(value) for name, value in record.items()}
    task = Task(record.get("task", Task.CLASSIFICATION))
    return DataSpec(**{**plain, "partition": partition, "csv": CsvSpec(**csv), "task": task})


def _promotion(record: Mapping[str, Any]) -> PromotionPolicy:
    kinds = {
        "backfill": BackfillPolicy(record["backfill"]),
        "guards": tuple(record["guards"]),
        "then": Unanswered(record["then"]),
    }
    return PromotionPolicy(**{**record, **kinds})


def _search(record: Mapping[str, Any]) -> Search:
    kinds = {"method": Method(record["method"]), "stop": Stop(**record["stop"])}
    return Search(**{**record, **kinds})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _of_candidate(candidate: Candidate) -> dict[str, Any]:
    grids = [{name: _of_axis(values) for name, values in grid.items()} for grid in candidate.grids]
    return {"estimator": record_of_value(candidate.estimator), "grids": grids}


def _candidate(record: Mapping[str, Any]) -> Candidate:
    grids = tuple(
        {name: _axis(values) for name, values in grid.items()} for grid in record["grids"]
    )
    return Candidate(value_of(record["estimator"]), grids)


def _of_axis(values: tuple[Any, ...] | Range) -> Any:
    if isinstance(values, Range):
        return asdict(values)
    return [record_of_value(value) for value in values]


def _axis(record: Any) -> tuple[Any, ...] | Range:
    return Range(**record) if isinstance(record, Mapping) else tuple(map(value_of, record))


def record_of_value(value: Any) -> Any:
    """The value of a parameter; mappings become pairs, as their keys may be numbers."""
    if isinstance(value, EstimatorSpec):
        steps = [[step.param, step.columns] for step in value.steps]
        own = {"steps": steps} if steps else {}
        return {"estimator": value.name, "params": record_of_value(value.params), **own}
    if isinstance(value, Mapping):
        return {"pairs": [[key, record_of_value(each)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        return [record_of_value(each) for each in value]
    return value


def value_of(record: Any) -> Any:
    """The value of a parameter that a record is of."""
    if isinstance(record, list):
        return [value_of(each) for each in record]
    if not isinstance(record, dict):
        return record
    if "estimator" in record:
        steps = tuple(Step(*each) for each in record.get("steps", ()))
        return EstimatorSpec(record["estimator"], value_of(record["params"]), steps)
    return {key: value_of(each) for key, each in record["pairs"]}
