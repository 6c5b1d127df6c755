"""A run foretold, and advice."""

import dataclasses

import pytest
from django.core.cache import cache

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.engine.advice import Facts, checks, suggestions
from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.parameters import parse_all
from optimizer_app.models import LanguageModel, Worker
from optimizer_app.selectors.advice import advice_for
from optimizer_app.selectors.runs import quote_lines
from optimizer_app.services.quotes import pilot_run, run_quote
from tests.factories.workers import finished_run, frozen, queued_run
from tests.optimizer_app.engine.loopback import serving
from tests.optimizer_app.engine.test_runner import SMALL

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.mark.parametrize("optimizer", list(optimizers()))
def test_calls_and_tokens_of_every_optimizer_lie_in_the_quote(optimizer: str, worker: Worker) -> None:
    run = finished_run(worker, version=frozen(worker), optimizer=optimizer, parameters=SMALL[optimizer])
    lines = {line.label: line for line in quote_lines(run)}

    for label in ("LM calls, task", "Tokens in", "Tokens out"):
        line = lines[label]
        assert line.kept, f"{label}: {line.actual} is not in {line.low} to {line.high}"
    roles = run.progress["usage"]["roles"]
    for role in ("proposer", "teacher"):
        used = roles[role]["calls"]
        low, high = run.quote["calls"].get(role, (0, 0))
        assert low <= used <= high, role


def test_a_pilot_measures_and_is_used(worker: Worker, operator: Actor) -> None:
    cache.clear()
    with serving() as server:
        remote = LanguageModel.objects.create(
            name="Remote", model="openai/plain", api_base=server.url, api_key="k", price_in=1, price_out=2, retries=0
        )
        version = frozen(worker)
        parameters = parse_all(optimizers()["LabeledFewShot"].parameters, {})
        guessed = run_quote(worker, version, "LabeledFewShot", parameters, model=remote)
        assert guessed.basis == "not measured: a guess"
        assert guessed.minutes is None

        pilot_run(worker, version, remote, by=operator)

        measured = run_quote(worker, version, "LabeledFewShot", parameters, model=remote)
    held_out = version.counts["validation"] + version.counts["test"]
    assert server.requests["plain"] == 4
    assert measured.basis == "measured on 4 training examples"
    assert measured.calls == {"task": (2 * held_out, 2 * held_out)}
    assert measured.minutes is not None
    assert measured.usd is not None
    # the server says 100 tokens in and 10 out a call
    assert measured.usd[0] <= 2 * held_out * (100 * 1 + 10 * 2) / 1e6 <= measured.usd[1]


def test_a_failed_pilot_says_why(worker: Worker, operator: Actor) -> None:
    with serving() as server:
        refused = LanguageModel.objects.create(
            name="Refused", model="openai/unauthorized", api_base=server.url, api_key="k", retries=0
        )
        with pytest.raises(Refused, match="the key was refused"):
            pilot_run(worker, frozen(worker), refused, by=operator)


def test_a_language_model_that_would_not_be_asked_is_refused(worker: Worker) -> None:
    other = LanguageModel.objects.create(name="Other", model="offline/lexical-1")
    with pytest.raises(Refused, match="SIMBA asks no teacher"):
        queued_run(worker, optimizer="SIMBA", parameters={}, teacher=other)
    with pytest.raises(Refused, match="GEPA asks no proposer"):
        queued_run(worker, optimizer="GEPA", parameters={}, proposer=other)


def test_a_budget_bounds_the_quote(worker: Worker) -> None:
    version = frozen(worker)
    parameters = parse_all(optimizers()["MIPROv2"].parameters, {})
    model = worker.language_model
    free = run_quote(worker, version, "MIPROv2", parameters, model=model)
    bound = run_quote(worker, version, "MIPROv2", parameters, model=model, budget=Budget(calls=200))

    held_out = version.counts["validation"] + version.counts["test"]
    assert bound.calls["task"][1] == 200 + held_out < free.calls["task"][1]


FACTS = Facts(
    train=100, validation=50, test=100, predictors=1, metric_has_feedback=True, can_finetune=False, baseline=0.6,
    latency_ms=None, latency_need_ms=None, detectable=0.1, priced=True, built_in=False,
)  # fmt: skip


def levels(**changes: object) -> set[str]:
    return {check.level for check in checks(dataclasses.replace(FACTS, **changes))}  # type: ignore[arg-type]


def test_readiness_stops_what_cannot_pay() -> None:
    assert levels() == {"ok"}
    assert "stop" in levels(train=5)
    assert "stop" in levels(baseline=0.99)
    assert "stop" in levels(latency_need_ms=20)
    assert "warn" in levels(latency_need_ms=500, latency_ms=900.0)
    assert "warn" in levels(test=12)
    assert "warn" in levels(priced=False)


def test_every_optimizer_is_advised_with_a_reason(worker: Worker) -> None:
    found = suggestions(FACTS)
    assert {s.optimizer for s in found} == set(optimizers())
    assert all(s.reason for s in found)
    assert found[0].fit == "best"
    by_name = {s.optimizer: s.fit for s in suggestions(dataclasses.replace(FACTS, predictors=3, can_finetune=True))}
    assert by_name["GEPA"] == "best"
    assert by_name["BootstrapFinetune"] == "weak"
    few = {s.optimizer: s.fit for s in suggestions(dataclasses.replace(FACTS, train=20))}
    assert few["BootstrapFewShot"] == "best"

    lines, fits = advice_for(worker, frozen(worker), worker.language_model)
    assert any("built-in lexical model" in line.text for line in lines)
    assert fits
