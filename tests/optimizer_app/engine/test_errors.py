"""Faults of a provider, over real HTTP: each becomes a clear message on the run."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from optimizer_app.engine.lms import FAILURES_IN_A_ROW, Connection
from optimizer_app.engine.serving import check_connection
from tests.optimizer_app.engine.loopback import Server, serving
from tests.optimizer_app.engine.runs import execute, spec


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def connection(server: Server, model: str, **changes: object) -> Connection:
    values: dict[str, object] = {
        "name": "Local", "model": f"openai/{model}", "api_base": server.url, "api_key": "secret-key", "timeout_s": 5.0,
        "retries": 1, "price_in": 1.0, "price_out": 10.0,
    }  # fmt: skip
    return Connection(**(values | changes))  # type: ignore[arg-type]


def small(tmp_path: Path, **changes: object) -> object:
    made = spec(tmp_path, optimizer="LabeledFewShot", **changes)
    return msgspec.structs.replace(made, validation=made.validation[:6], test=made.test[:12])


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("unauthorized", "the key was refused (401)"),
        ("unknown", "does not know this model (404)"),
        ("quota", "lack of credit or quota"),
    ],
)
def test_hopeless_errors_end_the_run_at_the_first_call(model: str, said: str, server: Server, tmp_path: Path) -> None:
    outcome, _, ledger = execute(small(tmp_path, connection=connection(server, model)))  # type: ignore[arg-type]

    assert outcome.finish == "error"
    assert said in outcome.message
    assert "Local" in outcome.message
    assert "secret-key" not in outcome.message
    assert ledger.total.failed_calls == server.requests[model] == 1


@pytest.mark.parametrize(("model", "said"), [("limited", "429"), ("failing", "5xx"), ("malformed", "Local")])
def test_lasting_errors_end_the_run_after_a_few_calls(model: str, said: str, server: Server, tmp_path: Path) -> None:
    outcome, _, _ = execute(small(tmp_path, connection=connection(server, model, retries=0)))  # type: ignore[arg-type]

    assert outcome.finish == "error"
    assert said in outcome.message
    assert f"{FAILURES_IN_A_ROW} calls in a row failed" in outcome.message
    assert server.requests[model] <= FAILURES_IN_A_ROW


def test_timeouts_end_the_run_with_their_reason(server: Server, tmp_path: Path) -> None:
    server.slow_s = 2.0
    made = connection(server, "slow", timeout_s=0.1, retries=0)

    outcome, _, _ = execute(small(tmp_path, connection=made))  # type: ignore[arg-type]

    assert outcome.finish == "error"
    assert "timeout" in outcome.message


@pytest.mark.parametrize("model", ["patient-once", "failing-once"])
def test_passing_errors_are_retried_and_counted(model: str, server: Server, tmp_path: Path) -> None:
    outcome, _, ledger = execute(small(tmp_path, connection=connection(server, model)))  # type: ignore[arg-type]

    assert outcome.finish in ("improved", "no_improvement", "worse"), outcome.message
    assert ledger.total.failed_calls == 1
    assert server.requests[model] == ledger.total.calls - ledger.total.cached_calls + 1


def test_answers_without_the_fields_count_as_wrong_and_say_why(server: Server, tmp_path: Path) -> None:
    outcome, _, _ = execute(small(tmp_path, connection=connection(server, "chatty")))  # type: ignore[arg-type]

    assert outcome.finish == "no_improvement"
    assert outcome.baseline is not None
    assert all("could not be read" in result.error for result in outcome.baseline.test)


def test_money_is_counted_and_a_repeated_run_costs_nothing(server: Server, tmp_path: Path) -> None:
    made = small(tmp_path, connection=connection(server, "good"))

    first, _, paid = execute(made)  # type: ignore[arg-type]
    second, _, free = execute(made)  # type: ignore[arg-type]

    calls = paid.total.calls - paid.total.cached_calls
    assert paid.total.cost_usd == pytest.approx(calls * (100 * 1.0 + 10 * 10.0) / 1_000_000)
    assert free.total.cost_usd == 0
    assert free.total.cached_calls == free.total.calls
    assert first.baseline is not None
    assert second.baseline is not None
    assert not any(result.cached for result in first.baseline.test)
    assert all(result.cached for result in second.baseline.test)
    assert first.winner is not None
    assert second.winner is not None
    assert first.winner.fingerprint == second.winner.fingerprint


def test_a_model_without_price_is_unpriced_not_free(server: Server, tmp_path: Path) -> None:
    made = connection(server, "good", price_in=None, price_out=None)

    _, _, ledger = execute(small(tmp_path, connection=made))  # type: ignore[arg-type]
    refused = connection(server, "unauthorized", price_in=None, price_out=None)
    _, _, without_a_call = execute(small(tmp_path, connection=refused))  # type: ignore[arg-type]

    assert ledger.total.cost_usd is None
    assert without_a_call.total.cost_usd is None


def test_a_person_can_stop_a_run_that_waits_for_a_retry(server: Server, tmp_path: Path) -> None:
    import threading

    from optimizer_app.engine.gate import Gate, Stop

    gate = Gate()
    made = small(tmp_path, connection=connection(server, "limited", retries=9))
    threading.Timer(0.5, lambda: gate.shut(Stop("stopped", "enough"))).start()
    started = time.monotonic()

    outcome, _, _ = execute(made, gate)  # type: ignore[arg-type]

    assert outcome.finish == "stopped"
    assert time.monotonic() - started < 20  # the pauses alone would take minutes


def test_connection_check_answers_in_words(server: Server) -> None:
    good = check_connection(connection(server, "good"))
    bad = check_connection(connection(server, "unauthorized"))
    gone = check_connection(connection(server, "good", api_base="http://127.0.0.1:9/v1"))

    assert not good.error
    assert "ready" in good.outputs["reply"]
    assert "(401)" in bad.error
    assert "could not be reached" in gone.error
