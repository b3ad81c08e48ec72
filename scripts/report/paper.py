"""Paper: the pages of the report, from templates and figures, in Markdown and as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import chromium
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pathlib import Path

STYLE = """
body { font: 10.5pt/1.5 "DejaVu Sans", sans-serif; color: #1a1a1a }
h1 { font-size: 20pt } h2 { font-size: 14pt; margin-top: 1.6em; break-after: avoid }
img { max-width: 100%; border: 1px solid #ccc } p:has(img) { break-inside: avoid }
table { border-collapse: collapse; font-size: 9pt }
th, td { border: 1px solid #bbb; padding: 3px 7px }
pre { background: #f4f4f4; padding: 8px; white-space: pre-wrap; font-size: 8.5pt }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 90% }
"""
MARGIN = dict.fromkeys(("top", "bottom", "left", "right"), "18mm")


def write(templates: Path, name: str, figures: dict[str, Any], docs: Path) -> None:
    """Write ``docs/<name>.md`` and ``docs/<name>.pdf``."""
    loader = Environment(  # noqa: S701 - it is Markdown; texts of users are in code blocks alone
        loader=FileSystemLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True
    )
    text = loader.get_template(f"{name}.md.jinja").render(figures)
    page = docs / f"{name}.md"
    page.write_text(text, encoding="utf-8")
    _print(page, text, docs / f"{name}.pdf")


def _print(page: Path, text: str, file: Path) -> None:
    drawn = MarkdownIt("commonmark").enable("table").render(text)
    sheet = page.with_suffix(".printed.html")  # beside the page, whose pictures it shows
    sheet.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{drawn}", encoding="utf-8")
    try:
        with chromium.running() as browser:
            opened = browser.new_page()
            opened.goto(sheet.as_uri())
            opened.pdf(path=file, format="A4", margin=MARGIN, print_background=True)
    finally:
        sheet.unlink()
