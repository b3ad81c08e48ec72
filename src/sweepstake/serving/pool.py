"""A pool: the processes that hold one version and answer requests, each its one at a time.

What a request costs, it costs a process of the pool: one that takes too long or crashes is ended
and replaced, and whoever listens for requests goes on.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import Limits
from sweepstake.errors import ModelFileError, TrialFailedError
from sweepstake.processes.isolation import Worker
from sweepstake.serving.scoring import JSON, Answer, Scorer, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.modelfile.model_file import StoredModel


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came: a body, its content type, and the method that is asked for."""

    body: bytes
    content_type: str = JSON
    method: str = "predict"


class WorkerPool:
    """``size`` processes with the model of ``version``, whose files are ``stored``.

    A request may take ``seconds``.
    """

    def __init__(self, version: Version, stored: StoredModel, size: int, seconds: float) -> None:
        self.version = version
        self.columns: list[list[str]] = []
        self._limits = Limits(trial_timeout=seconds)
        self._seconds = seconds
        self._workers = [Worker(Scorer(stored)) for _ in range(size)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="pool")
        self._users = 0
        self._retired = False

    def prove(self, example: bytes) -> None:
        """Load the model in every process and let each answer the model's own input example.

        Raises:
            ModelFileError: one of them cannot.
        """
        question = Question(b'{"dataframe_split": %s}' % example)
        for worker in self._workers:
            self.columns = self._call(worker, "columns")
            answer = self._call(worker, "score", question.body, JSON, question.method)
            if answer.status != 200:  # noqa: PLR2004
                fault = f"answer its own input example, but said: {answer.body.decode()}"
                raise self._unfit(fault)

    async def answer(self, question: Question) -> Answer:
        """The answer to a question, by the next process that is free."""
        deadline = time.monotonic() + self._seconds
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, question, deadline)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the pool for as long as the block runs, though it be retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._close_if_left()

    def retire(self) -> None:
        """End the processes as soon as nobody uses the pool; to be called where it is used."""
        self._retired = True
        self._close_if_left()

    def close(self) -> None:
        """End the processes now."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.__exit__()

    def _close_if_left(self) -> None:
        if self._retired and not self._users:
            self._retired = False
            self.close()

    def _answer(self, question: Question, deadline: float) -> Answer:
        if time.monotonic() > deadline:
            return _refused(503, "all processes are busy. Send the rows again later.")
        worker = self._idle.get()
        began = time.monotonic()
        try:
            method, mime = question.method, question.content_type
            answer: Answer = worker.call("score", question.body, mime, method, limits=self._limits)
        except TrialFailedError:
            if time.monotonic() - began > self._seconds:
                return _refused(504, f"took longer than {self._seconds:g} s. Send fewer rows.")
            return _refused(503, "ended the process that predicts. Send other rows, or again.")
        finally:
            self._idle.put(worker)
        return answer

    def _call(self, worker: Worker, method: str, *args: Any) -> Any:
        try:
            return worker.call(method, *args, limits=self._limits)
        except TrialFailedError as error:
            fault = f"be loaded and answer, but: {error}"
            raise self._unfit(fault) from error

    def _unfit(self, fault: str) -> ModelFileError:
        where = f"{self.version.model}: version {self.version.version}"
        return ModelFileError(f"{where} must {fault} Train the model again.")


def _refused(status: int, reason: str) -> Answer:
    return refusal(status, f"the rows: {reason}")
