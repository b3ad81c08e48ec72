"""Model folders in MLflow's format: one template per sweep, one model file per trial.

MLflow's own ``save_model`` runs once per sweep; a trial then costs one skops dump and copies of a
few small files. The folder loads with ``mlflow.sklearn``, with ``mlflow.pyfunc`` and, for those who
do not trust the list of types that it brings along, with ``model_file.load_model``.
"""

from __future__ import annotations

import json
import shutil
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sweepstake.boosting import native_files
from sweepstake.gridfile.allowlist import estimator_names, release_of
from sweepstake.mlflow_client.connection import prepare_environment
from sweepstake.modelfile.booster_files import check_size
from sweepstake.modelfile.model_file import (
    MODEL_FILE,
    StoredModel,
    digest,
    dump,
    load_model,
    needed_types,
    stored,
)
from sweepstake.modelfile.tabled import tabled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mlflow.models import ModelSignature
    from pandas import DataFrame

__all__ = ["Template", "load_model", "open_template", "write_model"]

RECORD_FILE = "MLmodel"
CODE = "code"
EXAMPLE_FILE = "input_example.json"
SERVING_FILE = "serving_input_example.json"
REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "skops")
EXAMPLE_ROWS = 3
TABLE = "sweepstake.forests.TreeTable"
LIBRARIES = ("skops.io", "mlflow.sklearn", "mlflow.pyfunc.model")
"""What writing needs, slow to import."""


@dataclass(frozen=True, slots=True)
class Template:
    """The files that all models of a sweep share, and the ``MLmodel`` record to be completed."""

    folder: Path
    files: tuple[Path, ...]
    record: Mapping[str, Any]


def open_template(
    folder: Path, estimator: Any, x: DataFrame, packages: Iterable[str] = ()
) -> Template:
    """Write the template of a sweep into ``folder``, unless one is there, and read it.

    ``estimator`` is any fitted estimator of the sweep, ``x`` (rows, features) what it was trained
    on: its first rows become the input example. Many processes may call this at once.

    Raises:
        ModelFileError: the estimator holds a type that is not on the reviewed list.
    """
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.{uuid4().hex}")
        try:
            _save(estimator, x, draft, packages)
            _publish(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    files = tuple(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return Template(folder, files, json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))


def write_model(template: Template, estimator: Any, run_id: str, folder: Path) -> str:
    """Write ``estimator`` as the model of run ``run_id`` into the new folder ``folder``.

    Returns:
        The sha256 of the model file, to be kept as the tag ``sweepstake.sha256`` of its version.

    Raises:
        ModelFileError: the estimator holds a type that is not on the reviewed list.
    """
    model = stored(estimator)
    for name, content in model.boosters.items():
        check_size(name, len(content))
    record = _completed(template.record, model, run_id)
    folder.mkdir()
    for shared in template.files:  # copytree would hide why it cannot write
        copied = folder / shared
        if copied.parent != folder:
            copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template.folder / shared, copied)
    for name, content in {MODEL_FILE: model.skops, **model.boosters}.items():
        (folder / name).write_bytes(content)
    for name in _packages_of(model):
        _bring_package(folder, name)
    _write_json(folder / RECORD_FILE, record)
    return digest(model.skops)


def load_libraries() -> None:
    """Import what writing needs, before a fork.

    It is slow, and a fork waits forever for what another thread was just importing.
    """
    for name in LIBRARIES:
        load_library(name)


def find_packages() -> None:
    """Let MLflow find out once which package brings which module, before forks that each would.

    It looks at every file of every package as it first checks the requirements of a model: that
    takes longer than a small sweep.
    """
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches(_requirements(()))


def load_library(name: str) -> None:
    """Import a library that is slow to import, with MLflow set up before."""
    prepare_environment()
    import_module(name)


def _save(estimator: Any, x: DataFrame, folder: Path, packages: Iterable[str]) -> None:
    """Let MLflow write the folder, then keep what is not the model; JSON is YAML too."""
    prepare_environment()
    import mlflow.sklearn
    import yaml

    with (
        _mlflow_quiet(),
        _told_by_the_disk(),
        native_files.collecting() as boosters,
        native_files.offering(boosters),  # MLflow reads what it wrote
    ):
        mlflow.sklearn.save_model(
            tabled(estimator),
            str(folder),
            serialization_format="skops",
            skops_trusted_types=list(needed_types(dump(estimator))),
            pip_requirements=_requirements(packages),
        )
    (folder / MODEL_FILE).unlink()
    record_file = folder / RECORD_FILE
    record = yaml.safe_load(record_file.read_text(encoding="utf-8"))
    record["signature"] = _signature(x, estimator.predict(x)).to_dict()
    _bring_example(folder, record, _plain(x.head(EXAMPLE_ROWS)))
    _bring_cast(folder, record)
    _write_json(record_file, record)


def _bring_example(folder: Path, record: dict[str, Any], rows: DataFrame) -> None:
    """Put the input example beside the model, in the files and words of MLflow.

    MLflow asks a frame for one column after the other, and writes the signature as YAML: of 20,000
    columns that takes longer than to train on them.
    """
    cells = rows.astype(object).where(rows.notna(), None)
    example = {"columns": list(rows), "data": cells.to_numpy().tolist()}
    _write_json(folder / EXAMPLE_FILE, example)
    _write_json(folder / SERVING_FILE, {"dataframe_split": example})
    record["saved_input_example_info"] = {
        "artifact_path": EXAMPLE_FILE,
        "serving_input_path": SERVING_FILE,
        "type": "dataframe",
        "pandas_orient": "split",
    }


def _bring_cast(folder: Path, record: Mapping[str, Any]) -> None:
    """Put the package of the first step beside the model, for MLflow's loaders."""
    _bring_package(folder, "casting")
    for flavor in record["flavors"].values():
        flavor["code"] = CODE


def _packages_of(model: StoredModel) -> Iterator[str]:
    """The packages of ours that a model's classes are of, beside the one of its first step."""
    if model.boosters:
        yield "boosting"
    if TABLE in needed_types(model.skops):
        yield "forests"


def _bring_package(folder: Path, name: str) -> None:
    """Copy a package of ours that needs no other to where MLflow's loaders look for code.

    Without an ``__init__.py`` above it the package of that name wins where it is installed.
    """
    package = folder / CODE / "sweepstake" / name
    package.mkdir(parents=True)
    home = Path(str(import_module(f"sweepstake.{name}").__file__)).parent
    for module in sorted(home.glob("*.py")):
        shutil.copy(module, package)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")


def _signature(x: DataFrame, predicted: Any) -> ModelSignature:
    """The names of the columns, and what is predicted.

    The columns are of any type: MLflow's ``double`` refuses whole numbers, its ``string`` a column
    of gaps. The model's own cast takes what can be meant.
    """
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    inputs = Schema([ColSpec(AnyType(), str(name)) for name in x])
    return ModelSignature(inputs=inputs, outputs=infer_signature(None, predicted).outputs)


def _requirements(packages: Iterable[str]) -> list[str]:
    """What a model may need, pinned; the packages of estimators that the operator added too."""
    added = {release for name in estimator_names() if (release := release_of(name))}
    added.update(packages)
    return [*(f"{name}=={version(name)}" for name in REQUIREMENTS), *sorted(added)]


@contextmanager
def _mlflow_quiet() -> Iterator[None]:
    """Hide MLflow's warning about its own type hints."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Any type hint", UserWarning)
        yield


@contextmanager
def _told_by_the_disk() -> Iterator[None]:
    """Raise what the disk said, of which MLflow makes a fault of the model's format."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def _publish(draft: Path, folder: Path) -> None:
    """Move ``draft`` to ``folder`` in one step; where another process was faster, its one stays."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _completed(record: Mapping[str, Any], model: StoredModel, run_id: str) -> dict[str, Any]:
    flavors = record["flavors"]
    sklearn = {**flavors["sklearn"], "skops_trusted_types": list(needed_types(model.skops))}
    return {
        **record,
        "flavors": {**flavors, "sklearn": sklearn},
        "run_id": run_id,
        "model_uuid": uuid4().hex,
        "model_size_bytes": model.size,
        "utc_time_created": str(datetime.now(UTC).replace(tzinfo=None)),
    }


def _plain(x: DataFrame) -> DataFrame:
    """``x`` with category columns as what they are categories of: MLflow knows no categories."""
    kinds = {name: x[name].cat.categories.dtype for name in x.select_dtypes("category")}
    wanted = {n: kind if kind.kind in "iuf" else object for n, kind in kinds.items()}
    return x.astype(wanted) if wanted else x
