"""Figures of a server for Prometheus; none of them holds data of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweepstake.serving.scoring import Answer

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """Counts answers by version and status, rows, seconds, and what became of new champions."""

    def __init__(self, model: str) -> None:
        self._registry = CollectorRegistry()
        self._model = model
        self._answers = Counter(
            "sweepstake_answers",
            "Answers to requests for predictions.",
            ("model", "version", "status"),
            registry=self._registry,
        )
        self._rows = Counter(
            "sweepstake_rows", "Rows predicted.", ("model", "version"), registry=self._registry
        )
        self._seconds = Histogram(
            "sweepstake_answer_seconds",
            "Seconds from the head of a request to its answer.",
            ("model",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._champion = Gauge(
            "sweepstake_champion", "The version in service.", ("model",), registry=self._registry
        )
        self._faults = Counter(
            "sweepstake_follow_faults",
            "Times that the champion could not be asked for or did not take over.",
            ("model",),
            registry=self._registry,
        )
        self._faults.labels(model)
        self._in_flight = Gauge(
            "sweepstake_requests_in_flight",
            "Requests that are read, wait or are worked on.",
            ("model",),
            registry=self._registry,
        )

    def count(self, in_flight: Callable[[], int]) -> None:
        """Ask ``in_flight`` for the requests in flight whenever the figures are read."""
        self._in_flight.labels(self._model).set_function(in_flight)

    def answered(self, answer: Answer, version: str, seconds: float) -> None:
        """Count an answer of a version."""
        self._answers.labels(self._model, version, str(answer.status)).inc()
        self._rows.labels(self._model, version).inc(answer.rows)
        self._seconds.labels(self._model).observe(seconds)

    def took_over(self, version: str) -> None:
        """Note which version is in service now."""
        self._champion.labels(self._model).set(int(version))

    def failed_to_follow(self) -> None:
        """Count a time that the champion could not be followed."""
        self._faults.labels(self._model).inc()

    def text(self) -> bytes:
        """The figures as Prometheus reads them."""
        return generate_latest(self._registry)
