"""Answer even when the language model does not, or not soon enough; and say which way the answer came."""

import asyncio
import contextvars
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from optimizer_app.sdk.payload import Path

Answer = Mapping[str, Any]
_budget: contextvars.ContextVar[float | None] = contextvars.ContextVar("uplift_latency_budget", default=None)
Z = 1.96  # for a 95 % interval


@contextmanager
def latency_budget(milliseconds: float) -> Iterator[None]:
    """How long the calls inside may take; workers with a validated static path keep to it."""
    token = _budget.set(milliseconds)
    try:
        yield
    finally:
        _budget.reset(token)


@dataclass(frozen=True)
class Degradation:
    """What a worker does when its program is late or fails.

    A call is tried `1 + retries` times, each for at most `timeout_s`, with `backoff_s` doubling up to `most_backoff_s`
    between them; then `fallback(**inputs)` answers, if there is one, else the error goes to the caller.

    `static(**inputs)` answers by rule, or returns None where it has no rule. It runs beside the program and is compared
    with it until the lower end of the 95 % interval of agreement (Wilson) reaches `agreement`. From then on it answers
    instead of the program wherever the program's p95 latency exceeds the budget in force.
    """

    timeout_s: float | None = None
    retries: int = 0
    backoff_s: float = 0.2
    most_backoff_s: float = 5.0
    fallback: Callable[..., Answer] | None = None
    static: Callable[..., Answer | None] | None = None
    agreement: float = 0.9
    latency_budget_ms: float | None = None


@dataclass
class Guard:
    """A Degradation at work for one worker: remembers latencies and how often static answers agreed."""

    rules: Degradation
    agreed: int = 0
    compared: int = 0
    _latencies: deque[float] = field(default_factory=lambda: deque(maxlen=100))

    @property
    def validated(self) -> bool:
        """Whether static answers agree with the program's often enough (Wilson's lower bound)."""
        n = self.compared
        if not n:
            return False
        share = self.agreed / n
        spread = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        return (share + Z * Z / (2 * n) - spread) / (1 + Z * Z / n) >= self.rules.agreement

    @property
    def p95_ms(self) -> float | None:
        """The program's p95 latency over its last 100 calls; None before there are 20."""
        if len(self._latencies) < 20:
            return None
        return sorted(self._latencies)[int(0.95 * len(self._latencies))]

    def run(self, call: Callable[[], Answer], inputs: dict[str, Any]) -> tuple[Answer, Path]:
        """The answer and the way it came. Raises what the last attempt raised if nothing can answer."""
        if (ready := self._in_time(inputs)) is not None:
            return ready, "static"
        for attempt in range(self.rules.retries + 1):
            started = time.perf_counter()
            try:
                answer = call() if self.rules.timeout_s is None else _within(call, self.rules.timeout_s)
            except Exception:
                if attempt == self.rules.retries:
                    if self.rules.fallback is None:
                        raise
                    return self.rules.fallback(**inputs), "fallback"
                time.sleep(self._pause(attempt))
            else:
                self._learn(answer, inputs, (time.perf_counter() - started) * 1000)
                return answer, "program"
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def arun(self, call: Callable[[], Awaitable[Answer]], inputs: dict[str, Any]) -> tuple[Answer, Path]:
        """As `run`, for coroutines."""
        if (ready := self._in_time(inputs)) is not None:
            return ready, "static"
        for attempt in range(self.rules.retries + 1):
            started = time.perf_counter()
            try:
                answer = await asyncio.wait_for(call(), self.rules.timeout_s)
            except Exception:
                if attempt == self.rules.retries:
                    if self.rules.fallback is None:
                        raise
                    return self.rules.fallback(**inputs), "fallback"
                await asyncio.sleep(self._pause(attempt))
            else:
                self._learn(answer, inputs, (time.perf_counter() - started) * 1000)
                return answer, "program"
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _in_time(self, inputs: dict[str, Any]) -> Answer | None:
        budget, p95 = _budget.get(), self.p95_ms
        budget = self.rules.latency_budget_ms if budget is None else budget
        if self.rules.static is None or budget is None or p95 is None or p95 <= budget or not self.validated:
            return None
        return self.rules.static(**inputs)

    def _learn(self, answer: Answer, inputs: dict[str, Any], latency_ms: float) -> None:
        self._latencies.append(latency_ms)
        if self.rules.static is not None and (said := self.rules.static(**inputs)) is not None:
            self.compared += 1
            self.agreed += all(_plain(answer.get(name)) == _plain(value) for name, value in said.items())

    def _pause(self, attempt: int) -> float:
        longest: float = min(self.rules.backoff_s * 2**attempt, self.rules.most_backoff_s)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - spreads retries, guards nothing


def _plain(value: object) -> str:
    return " ".join(str(value).casefold().split())


def _within(call: Callable[[], Answer], timeout_s: float) -> Answer:
    """Call in a thread and stop waiting after the timeout; Python cannot stop the thread itself, its end is ignored."""
    result: list[Answer] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(call())
        except BaseException as error:
            failure.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="uplift-call", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if failure:
        raise failure[0]
    if not result:
        raise TimeoutError(f"No answer within {timeout_s} s.")
    return result[0]
