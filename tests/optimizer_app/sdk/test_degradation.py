"""Timeouts, retries, fallbacks and static paths; which way an answer came is known."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from optimizer_app.sdk.degradation import Degradation, Guard, latency_budget

INPUTS = {"message": "x"}


def fails(times: int) -> Any:
    calls: list[int] = []

    def call() -> dict[str, str]:
        calls.append(1)
        if len(calls) <= times:
            raise ConnectionError("away")
        return {"team": "K1"}

    call.calls = calls  # type: ignore[attr-defined]
    return call


def test_a_call_is_tried_again_and_then_falls_back() -> None:
    guard = Guard(Degradation(retries=2, backoff_s=0.001, fallback=lambda message: {"team": "K9"}))

    assert guard.run(fails(2), INPUTS) == ({"team": "K1"}, "program")
    stubborn = fails(9)
    assert guard.run(stubborn, INPUTS) == ({"team": "K9"}, "fallback")
    assert len(stubborn.calls) == 3


def test_without_a_fallback_the_error_reaches_the_caller() -> None:
    with pytest.raises(ConnectionError):
        Guard(Degradation(retries=1, backoff_s=0.001)).run(fails(9), INPUTS)


def test_a_late_answer_is_not_waited_for() -> None:
    def slow() -> dict[str, str]:
        time.sleep(5)
        return {}

    guard = Guard(Degradation(timeout_s=0.05, fallback=lambda message: {"team": "K9"}))
    assert guard.run(slow, INPUTS) == ({"team": "K9"}, "fallback")
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        Guard(Degradation(timeout_s=0.05)).run(slow, INPUTS)


def test_coroutines_degrade_alike() -> None:
    async def slow() -> dict[str, str]:
        await asyncio.sleep(5)
        return {}

    guard = Guard(Degradation(timeout_s=0.02, fallback=lambda message: {"team": "K9"}))
    with ThreadPoolExecutor(1) as aside:  # the browser of other tests keeps a loop running in this thread
        answered = aside.submit(lambda: asyncio.run(guard.arun(slow, INPUTS))).result()
    assert answered == ({"team": "K9"}, "fallback")


def static_guard(**changes: Any) -> Guard:
    values: dict[str, Any] = {"static": lambda message: {"team": "K1"}, "latency_budget_ms": 0.0001}
    return Guard(Degradation(**(values | changes)))


def test_a_static_path_answers_only_once_it_has_proven_itself() -> None:
    guard = static_guard()
    ways = [guard.run(lambda: {"team": "K1"}, INPUTS)[1] for _ in range(60)]

    # Wilson's lower bound of n agreements in n is n / (n + 3.84): 0.9 is reached at 35
    assert ways == ["program"] * 35 + ["static"] * 25
    assert guard.validated


def test_a_static_path_that_disagrees_never_answers() -> None:
    guard = static_guard(static=lambda message: {"team": "K2"})

    assert {guard.run(lambda: {"team": "K1"}, INPUTS)[1] for _ in range(200)} == {"program"}
    assert (guard.agreed, guard.compared) == (0, 200)


def test_a_program_that_is_quick_enough_is_asked() -> None:
    guard = static_guard(latency_budget_ms=10_000)
    assert {guard.run(lambda: {"team": "K1"}, INPUTS)[1] for _ in range(80)} == {"program"}
    with latency_budget(0.0001):
        assert guard.run(lambda: {"team": "K1"}, INPUTS)[1] == "static"
    assert guard.run(lambda: {"team": "K1"}, INPUTS)[1] == "program"


def test_where_no_rule_fits_the_program_is_asked() -> None:
    guard = static_guard(static=lambda message: {"team": "K1"} if message == "x" else None)
    for _ in range(60):
        guard.run(lambda: {"team": "K1"}, INPUTS)
    assert guard.run(lambda: {"team": "K3"}, {"message": "other"}) == ({"team": "K3"}, "program")
