"""Question: what is shown to whoever is asked about a promotion, in Markdown.

Airflow's page shows no picture that is not at an address it can reach, so the gain is drawn in
text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.mlflow_client.comparison import version_url
from sweepstake.wording.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.champions.approval import Proposal
    from sweepstake.settings import Settings

WIDTH = 49
"""Signs of the drawing: so many fit on a phone."""
LEGEND = "0: as good as the champion. Δ: the gain that is asked for (min_delta)."


def body(asked: Proposal, settings: Settings) -> str:
    """The reason, both versions' figures, the gain as a picture, and both versions' pages.

    No text of a user in it is markup.
    """
    parts = [escaped(asked.reason), _compared(asked), _guarded(asked), _pages(asked, settings)]
    return "\n\n".join(filter(None, parts))


def draw(gain: Mapping[str, Any], min_delta: float) -> str:
    """The gain between its bounds, over an axis on which 0 and ``min_delta`` are marked.

    >>> print(draw({"gain": 0.02, "low": 0.01, "high": 0.03}, 0.0))
                    ├───────────────●───────────────┤
    0
    """
    low, middle, high = gain["low"], gain["gain"], gain["high"]
    least, most = min(low, 0.0, min_delta), max(high, 0.0, min_delta)

    def place(value: float) -> int:
        return round((value - least) / (most - least) * (WIDTH - 1)) if most > least else 0

    def put(signs: Mapping[str, float], line: str) -> str:
        for sign, value in signs.items():
            line = line[: place(value)] + sign + line[place(value) + 1 :]
        return line.rstrip()

    span = " " * place(low) + "─" * (place(high) - place(low) + 1)
    marks = {"0": 0.0} | ({"Δ": min_delta} if min_delta else {})
    return f"{put({'├': low, '┤': high, '●': middle}, span)}\n{put(marks, ' ' * WIDTH)}"


def _compared(asked: Proposal) -> str:
    """Figures and picture of a test, empty where there was none."""
    gain = asked.record.get("gain")
    if not gain:
        return ""
    picture = draw(gain, asked.record["min_delta"])
    return f"{_table(asked, gain)}\n\n```text\n{picture}\n{LEGEND}\n```"


def _table(asked: Proposal, gain: Mapping[str, Any]) -> str:
    finalist = asked.record["finalist"]
    metric = escaped(asked.record["terrain"]["metric"])
    rows = [
        ("", f"v{asked.version}, trial {finalist['trial']}", f"champion v{asked.previous}"),
        ("---", "---", "---"),
        (f"{metric} on {gain['rows']} rows", gain["score"], gain["champion_score"]),
        (f"mean {metric} in cross-validation", finalist["cv_score"], ""),
        ("gain", gain["gain"], ""),
        ("between", f"{gain['low']:+.4f} and {gain['high']:+.4f}", ""),
        ("chance of it among equals (p)", f"{gain['p']:.2g}", ""),
        ("smallest gain that these rows confirm", gain["confirmable"], ""),
    ]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _guarded(asked: Proposal) -> str:
    """What is guarded: its gain, and the chance of such a loss among equals."""
    lines = [
        f"- {escaped(each['name'])}: {each['gain']:+.4f}, p {each['p']:.2g}"
        for each in asked.record.get("guards", ())
    ]
    head = "Guarded, with the chance of such a loss among equals:"
    return "\n".join([head, "", *lines]) if lines else ""


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _pages(asked: Proposal, settings: Settings) -> str:
    numbers = [number for number in (asked.version, asked.previous) if number]
    links = (f"[v{n}]({version_url(settings.mlflow_pages, asked.model, n)})" for n in numbers)
    return f"In MLflow: {' · '.join(links)}"
