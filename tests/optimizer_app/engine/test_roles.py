"""Who is called for what: proposer, teacher, judge, and what each costs."""

from pathlib import Path

import msgspec
import pytest

from optimizer_app.engine.gate import Budget
from optimizer_app.engine.metrics import JUDGE, Metric
from optimizer_app.engine.optimizers.base import make
from tests.optimizer_app.engine.runs import BUILT_IN, execute, spec

DEAR = msgspec.structs.replace(BUILT_IN, name="Dear", price_in=1000.0, price_out=1000.0)
UNPRICED = msgspec.structs.replace(BUILT_IN, name="Unpriced", price_in=None, price_out=None)


def test_proposer_and_teacher_are_their_own_connections(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="MIPROv2", proposer=DEAR)
    _, _, ledger = execute(made)

    assert ledger.roles["proposer"].calls > 0
    assert (ledger.roles["proposer"].cost_usd or 0) > 0
    assert ledger.roles["task"].cost_usd == 0
    assert ledger.total.cost_usd == ledger.roles["proposer"].cost_usd
    assert ledger.total.calls == sum(usage.calls for usage in ledger.roles.values())


def test_a_teacher_makes_the_demonstrations(tmp_path: Path) -> None:
    _, _, alone = execute(spec(tmp_path, optimizer="BootstrapFewShot"))
    _, _, taught = execute(spec(tmp_path, optimizer="BootstrapFewShot", teacher=DEAR))

    assert alone.roles["teacher"].calls == 0
    assert taught.roles["teacher"].calls > 0
    assert taught.roles["task"].calls < alone.roles["task"].calls


def test_one_role_without_a_price_makes_the_run_unpriced(tmp_path: Path) -> None:
    _, _, ledger = execute(spec(tmp_path, optimizer="GEPA", teacher=UNPRICED))

    assert ledger.roles["task"].cost_usd == 0
    assert ledger.roles["teacher"].cost_usd is None
    assert ledger.total.cost_usd is None


def test_a_judge_is_asked_for_every_answer_and_counted_as_such(tmp_path: Path) -> None:
    metric = Metric(JUDGE, "team", {"rubric": "The team is the expected one."}, judge="1")
    made = spec(tmp_path, optimizer="BootstrapFewShot", metric=metric, judges={"1": DEAR})
    outcome, _, ledger = execute(made)

    scored = 2 * (len(made.validation) + len(made.test))
    assert outcome.comparison is not None, outcome.message
    assert ledger.roles["judge"].calls >= scored
    assert outcome.comparison.after > outcome.comparison.before
    assert outcome.baseline is not None
    # the judge's calls are no cost of serving
    assert sum(result.cost_usd or 0 for result in outcome.baseline.test) == 0
    assert any("These expected words are missing" in result.feedback for result in outcome.baseline.test)


def test_tokens_are_a_budget_too(tmp_path: Path) -> None:
    _, _, free = execute(spec(tmp_path, optimizer="LabeledFewShot", parameters={"k": 1}))
    limit = free.total.tokens_in + 2000
    outcome, _, _ = execute(spec(tmp_path, budget=Budget(tokens=limit)))

    assert f"The budget of {limit:,} tokens was reached." in outcome.message


def test_arguments_that_the_installed_dspy_does_not_take_are_refused() -> None:
    import dspy

    with pytest.raises(TypeError, match=r"COPRO of DSPy .* takes no breath"):
        make(dspy.COPRO, breath=3)
    with pytest.raises(TypeError, match="takes no rulez"):
        make(dspy.InferRules, rulez=3)
