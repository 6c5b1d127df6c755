"""A budget binds within one call, whatever the optimizer, and keeps the best that was found."""

from pathlib import Path

import msgspec
import pytest

from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers import optimizers
from tests.optimizer_app.engine.runs import BUILT_IN, execute, spec
from tests.optimizer_app.engine.test_runner import SMALL

# two make no call before their end, on a program of one step
SEARCHING = [name for name in optimizers() if name not in ("LabeledFewShot", "KNNFewShot")]
EXTRA = {"BootstrapFewShot": 2, "InferRules": 30, "BootstrapFinetune": 20}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("optimizer", SEARCHING)
def test_calls_are_limited_to_the_call(optimizer: str, threads: int, tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer=optimizer, parameters=SMALL[optimizer], threads=threads)
    scoring = len(made.validation) + len(made.test)
    extra = EXTRA.get(optimizer, 70)
    limited = msgspec.structs.replace(made, budget=Budget(calls=scoring + extra))

    outcome, listener, ledger = execute(limited)

    assert outcome.finish in ("improved", "no_improvement", "worse"), outcome.message
    assert f"The budget of {scoring + extra:,} calls was reached." in outcome.message
    unchanged = outcome.winner is not None and outcome.winner.state == made.baseline
    assert ledger.total.calls == scoring + extra + scoring
    if optimizer in ("BootstrapFewShot", "BootstrapFinetune"):
        assert unchanged
    full = [candidate for candidate in listener.candidates if candidate.full]
    if full and outcome.winner:
        best = max(full, key=lambda candidate: candidate.score)
        assert outcome.winner.fingerprint == best.fingerprint


def test_money_and_minutes_are_limited(tmp_path: Path) -> None:
    priced = msgspec.structs.replace(BUILT_IN, price_in=10.0, price_out=10.0)
    made = spec(tmp_path, connection=priced)
    _, _, free = execute(msgspec.structs.replace(made, optimizer="LabeledFewShot", parameters={"k": 1}))
    assert free.total.cost_usd is not None

    for budget, said in (
        (Budget(usd=free.total.cost_usd), "The budget of $"),
        (Budget(minutes=0.005), "0.005 minutes"),
    ):
        outcome, _, _ = execute(msgspec.structs.replace(made, budget=budget))
        assert said in outcome.message


def test_a_budget_below_the_baseline_ends_the_run_with_that_reason(tmp_path: Path) -> None:
    outcome, _, ledger = execute(spec(tmp_path, budget=Budget(calls=10)))

    assert outcome.finish == "budget"
    assert outcome.winner is None
    assert ledger.total.calls == 10


def test_a_budget_that_is_not_reached_changes_nothing(tmp_path: Path) -> None:
    free, _, _ = execute(spec(tmp_path))
    limited, _, _ = execute(spec(tmp_path, budget=Budget(calls=100_000, usd=100.0, minutes=60.0)))

    assert free.winner is not None
    assert limited.winner is not None
    assert limited.message == ""
    assert limited.winner.fingerprint == free.winner.fingerprint
