"""What runs say of their data, and that no credential is in it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sweepstake.data.dataset import Table
from sweepstake.mlflow_client.run_datasets import SCHEMA_LENGTH, run_dataset


def table(columns):
    """Three rows of a column of text and some of numbers."""
    features = pd.DataFrame({f"x{n}": np.ones(3) for n in range(columns)})
    features["colour"] = pd.Categorical(["a", "b", "a"])
    return Table(features, np.array([0, 1, 0]), ("label",), "t")


def test_columns_rows_and_source_are_told():
    """In MLflow's words, with the digest cut to what it keeps."""
    found = run_dataset(table(1), "d" * 64, "data/Kunden (neu).csv", 1)
    assert ("Kunden (neu)", "d" * 16, "local") == (found.name, found.digest, found.source_type)
    assert [["long", "label"], ["double", "x0"], ["string", "colour"]] == [
        [each["type"], each["name"]] for each in json.loads(found.schema)["mlflow_colspec"]
    ]
    profile = json.loads(found.profile)
    assert (3, 6, 1) == (profile["num_rows"], profile["num_elements"], profile["num_holdout_rows"])


@pytest.mark.parametrize(
    ("source", "kind", "place"),
    [
        ("https://ann:pw@host/a.csv?sig=secret#x", "http", {"url": "https://host/a.csv"}),
        ("s3://key:secret@bucket/a.parquet", "s3", {"uri": "s3://bucket/a.parquet"}),
        ("abfss://u:p@host/a.csv?sv=secret", "local", {"uri": "abfss://host/a.csv"}),
        ("sklearn:iris", "code", {"tags": {"mlflow.source.name": "sklearn:iris"}}),
    ],
)
def test_a_source_holds_no_credential(source, kind, place):
    """User, password, signature and fragment are left out of everything."""
    found = run_dataset(table(1), "d", source, 1)
    assert (kind, place) == (found.source_type, json.loads(found.source))
    assert "secret" not in repr(found)


def test_the_columns_of_wide_data_are_left_out():
    """MLflow repeats them with each run that it lists."""
    found = run_dataset(table(300), "d", "sklearn:iris", 1)
    assert (None, True) == (found.schema, len(run_dataset(table(50), "d", "a", 1).schema) > 0)
    assert len(run_dataset(table(50), "d", "a", 1).schema) <= SCHEMA_LENGTH
