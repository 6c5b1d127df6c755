"""Advice before a run, from facts: is this worker a candidate at all, and which optimizer suits it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Fit = Literal["best", "good", "weak", "no"]
Level = Literal["ok", "warn", "stop"]

FEW, SOME, MANY = 10, 50, 200  # training examples: DSPy's own rules of thumb for its optimizers
PERFECT = 0.98
FASTEST_CALL_MS = 150  # no hosted language model answers sooner, by the medians that providers publish
LEAST_TEST = 30


@dataclass(frozen=True)
class Facts:
    """What advice rests on; None where it is not known yet. Scores in [0, 1], times in milliseconds."""

    train: int
    validation: int
    test: int
    predictors: int
    metric_has_feedback: bool
    can_finetune: bool
    baseline: float | None
    latency_ms: float | None
    latency_need_ms: int | None
    detectable: float
    priced: bool
    built_in: bool


@dataclass(frozen=True)
class Check:
    """One line of the readiness list."""

    level: Level
    text: str

    @property
    def word(self) -> str:
        return {"ok": "ready", "warn": "note", "stop": "stop"}[self.level]


@dataclass(frozen=True)
class Suggestion:
    """How well an optimizer fits, and why."""

    optimizer: str
    fit: Fit
    reason: str

    @property
    def is_rare(self) -> bool:
        return self.fit in ("weak", "no")

    @property
    def fit_label(self) -> str:
        return {"best": "suits best", "good": "suits", "weak": "rarely", "no": "not here"}[self.fit]


def checks(facts: Facts) -> Iterator[Check]:
    """Whether the worker is worth a run now; "stop" means a run can hardly pay."""
    yield _data(facts)
    yield _test_split(facts)
    if facts.baseline is None:
        yield Check("ok", "The baseline has not been measured on this data; the run does that first.")
    elif facts.baseline >= PERFECT:
        yield Check("stop", f"The baseline already scores {facts.baseline:.0%}: there is next to nothing to gain.")
    else:
        yield Check("ok", f"The baseline scored {facts.baseline:.0%} on this test split: room for improvement.")
    yield from _latency(facts)
    if not facts.priced:
        yield Check("warn", "The language model has no price, so cost is counted in tokens and money is “unpriced”.")
    if facts.built_in:
        yield Check("warn", "The built-in lexical model stands in for a language model: results show how Uplift works.")


def suggestions(facts: Facts) -> list[Suggestion]:
    """Every optimizer with its fit, the best first; within one fit, cheap ones first."""
    order: dict[Fit, int] = {"best": 0, "good": 1, "weak": 2, "no": 3}
    found = [*_demos(facts), *_instructions(facts), *_weights(facts)]
    return sorted(found, key=lambda suggestion: order[suggestion.fit])


def _data(facts: Facts) -> Check:
    if facts.train < FEW:
        return Check("stop", f"{facts.train} training examples: too few for most optimizers. Add some, {SOME} help.")
    if facts.train < SOME:
        return Check("warn", f"{facts.train} training examples: enough to try demos; instructions gain from {SOME}.")
    return Check("ok", f"{facts.train} training and {facts.validation} validation examples.")


def _test_split(facts: Facts) -> Check:
    shown = f"{facts.test} test examples show gains of {100 * facts.detectable:.0f} points or more"
    if facts.test < LEAST_TEST:
        return Check("warn", f"{shown}; smaller ones will end as “no improvement shown”. Freeze more test examples.")
    return Check("ok", f"{shown} (80 % power).")


def _latency(facts: Facts) -> Iterator[Check]:
    need = facts.latency_need_ms
    if need is None:
        return
    if need < FASTEST_CALL_MS and not facts.built_in:
        yield Check(
            "stop",
            f"Answers are needed within {need} ms; hardly any language model call is that fast. Compute the answers "
            "beforehand or use rules; no optimizer changes that.",
        )
    elif facts.latency_ms is not None and facts.latency_ms > need:
        yield Check(
            "warn",
            f"Answers are needed within {need} ms and take {facts.latency_ms:.0f} ms (median). Demos make prompts "
            "longer and slower; instructions or fine-tuning fit better.",
        )
    else:
        yield Check("ok", f"Answers are needed within {need} ms.")


def _demos(facts: Facts) -> Iterator[Suggestion]:
    yield Suggestion("LabeledFewShot", "good" if facts.train < FEW else "weak", "Costs nothing; a first comparison.")
    yield Suggestion(
        "BootstrapFewShot", "best" if facts.train < SOME else "good", "Few calls; the choice for little data or money."
    )
    yield Suggestion(
        "BootstrapFewShotWithRandomSearch",
        "best" if facts.train >= SOME else "good",
        "Steady: scores every draw on the whole validation split.",
    )
    if facts.predictors == 1 and facts.train >= SOME:
        yield Suggestion("KNNFewShot", "good", "Cheap to make with this much data; every prompt gets longer.")
    else:
        yield Suggestion("KNNFewShot", "weak", "Gains little with few examples or several steps.")
    yield Suggestion("Ensemble", "weak", "Steadier answers at several times the price of each call.")


def _instructions(facts: Facts) -> Iterator[Suggestion]:
    enough = facts.train >= SOME
    yield Suggestion(
        "MIPROv2",
        "best" if facts.train >= MANY else "good" if enough else "weak",
        f"Searches instructions and demos together; wants {MANY} examples." if not enough else "Enough data for it.",
    )
    if facts.metric_has_feedback:
        yield Suggestion(
            "GEPA", "best" if facts.predictors > 1 else "good", "The metric says what was wrong, which GEPA reads."
        )
    else:
        yield Suggestion("GEPA", "weak", "The metric gives no feedback in words, GEPA's main source.")
    yield Suggestion("SIMBA", "weak", "Chooses on training examples alone, so it overfits more easily.")
    yield Suggestion("InferRules", "good" if enough else "weak", "Good where clear rules lie behind the labels.")
    yield Suggestion("COPRO", "weak", "Does not look at the data.")


def _weights(facts: Facts) -> Iterator[Suggestion]:
    for name in ("BootstrapFinetune", "BetterTogether"):
        if not facts.can_finetune:
            yield Suggestion(name, "no", "This language model cannot be fine-tuned here.")
        elif facts.train < MANY:
            yield Suggestion(name, "weak", f"Fine-tuning wants {MANY} examples or more.")
        else:
            yield Suggestion(name, "good", "Enough data, and short prompts afterwards: pays with many calls.")
