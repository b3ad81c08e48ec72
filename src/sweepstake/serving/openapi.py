"""The description of a server: an OpenAPI document and a page of it.

The example is the model's own input example. Names and cells in it are data: the page escapes them.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from sweepstake.serving.scoring import CSV, FORMS, JSON, METHODS

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
KINDS: dict[str, dict[str, Any]] = {
    "float64": {"type": ["number", "null"]},
    "float32": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "text": {"type": ["string", "null"]},
}
_STATUSES = {
    "400": "The rows do not fit; the sentence names the column and the way out.",
    "408": "The body came too slowly.",
    "415": "The content type is neither JSON nor CSV in UTF-8.",
    "503": "There is no champion yet, or too many requests. Send it again later.",
    "504": "The prediction took too long.",
}


def document(model: str, columns: list[list[str]], example: bytes) -> dict[str, Any]:
    """The OpenAPI document of a server of ``model`` with ``columns``, names and kinds."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Champion of {model}", "version": "1"},
        "paths": {
            "/invocations": {"post": _invocations(columns, example)},
            "/health": _plain("200 once a champion is loaded."),
            "/ping": _plain("The same as /health."),
            "/version": _plain("The model and the version that answers."),
            "/metrics": _plain("Figures for Prometheus."),
        },
    }


def _invocations(columns: list[list[str]], example: bytes) -> dict[str, Any]:
    record = {
        "type": "object",
        "required": [name for name, _ in columns],
        "properties": {name: KINDS[kind] for name, kind in columns},
    }
    forms: dict[str, dict[str, Any]] = {form: {} for form in FORMS}
    forms["dataframe_split"] = {
        "type": "object",
        "required": ["data"],
        "properties": {"columns": {"type": "array"}, "data": {"type": "array"}},
    }
    forms["dataframe_records"] = {"type": "array", "items": record}
    schema = {
        "type": "object",
        "properties": {**forms, "params": {"type": "object"}},
        "oneOf": [{"required": [form]} for form in FORMS],
    }
    content: dict[str, Any] = {"schema": schema}
    if example:
        content["example"] = {"dataframe_split": json.loads(example)}
    version = {"X-Model-Version": {"schema": {"type": "string"}}}
    refused = {"type": "object", "properties": {"error": {"type": "string"}}}
    predicted = {"type": "object", "properties": {"predictions": {"type": "array"}}}
    return {
        "summary": "Predict rows.",
        "parameters": [
            {"name": "method", "in": "query", "schema": {"enum": list(METHODS)}},
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: content, CSV: {"schema": {"type": "string"}}},
        },
        "responses": {
            "200": {
                "description": "One prediction for each row.",
                "headers": version,
                "content": {JSON: {"schema": predicted}},
            },
            **{
                status: {"description": said, "content": {JSON: {"schema": refused}}}
                for status, said in _STATUSES.items()
            },
        },
    }


def _plain(summary: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": summary}}}}


def page(described: dict[str, Any]) -> str:
    """The document as a page without scripts."""
    paths = "".join(
        f"<tr><td>{escape(method.upper())} {escape(path)}<td>{escape(about['summary'])}"
        for path, methods in described["paths"].items()
        for method, about in methods.items()
    )
    posted = described["paths"]["/invocations"]["post"]
    body = posted["requestBody"]["content"][JSON]
    example = json.dumps(body.get("example", {}), indent=1, ensure_ascii=False)
    record = body["schema"]["properties"]["dataframe_records"]["items"]
    cells = "".join(
        f"<tr><td>{escape(name)}<td>{escape(kind['type'][0])}"
        for name, kind in record["properties"].items()
    )
    title = escape(described["info"]["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<style>body{font-family:sans-serif;margin:2rem}td{padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>{title}</h1><table>{paths}</table><h2>Columns</h2><table>{cells}</table>"
        f"<h2>A body for POST /invocations</h2><pre>{escape(example)}</pre>"
        "<p>The whole description is at /openapi.json.</p></html>"
    )
