"""What a run will take, as intervals: from the optimizers' formulas and what one call takes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers.base import Parameters, Work

Interval = tuple[float, float]
MILLION = 1_000_000
# A proposer or teacher reads a handful of examples beside fixed instructions; measured on MIPROv2, GEPA, COPRO
# and InferRules of DSPy 3.4: between a bare request and one with 40 examples.
REQUEST_TOKENS, EXAMPLES_SHOWN = (250, 900), (0, 40)
REPLY_TOKENS = (20, 400)
REWRITTEN_TOKENS = 500  # by so much an optimizer that rewrites instructions may lengthen a prompt
DEMO_PARAMETERS = ("max_labeled_demos", "max_bootstrapped_demos", "k", "max_demos", "teacher_demos")


class PerCall(msgspec.Struct, frozen=True):
    """One program call of the baseline: language model calls, tokens, seconds. `n` were measured; 0 is a guess."""

    lm_calls: float
    tokens_in: float
    tokens_out: float
    seconds: float | None
    example_tokens: float
    n: int
    basis: str


class Prices(msgspec.Struct, frozen=True):
    """USD per million tokens; None is unpriced."""

    price_in: float | None
    price_out: float | None

    def cost(self, tokens_in: float, tokens_out: float) -> float | None:
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / MILLION


class Quote(msgspec.Struct, frozen=True):
    """A run foretold. `usd` and `minutes` are None where a price or a duration is unknown."""

    program_calls: Interval
    calls: dict[str, Interval]
    tokens_in: Interval
    tokens_out: Interval
    usd: Interval | None
    minutes: Interval | None
    serving: int
    detectable: float
    test: int
    basis: str

    @property
    def low_ms(self) -> float | None:
        """The shortest time, in milliseconds."""
        return self.minutes[0] * 60_000 if self.minutes else None

    @property
    def high_ms(self) -> float | None:
        """The longest time, in milliseconds."""
        return self.minutes[1] * 60_000 if self.minutes else None


def quote(
    work: Work,
    per_call: PerCall,
    *,
    parameters: Parameters,
    held_out: int,
    test: int,
    detectable: float,
    prices: Mapping[str, Prices],
    threads: int,
    judged: bool,
    rewrites: bool,
    separate_teacher: bool,
    budget: Budget,
) -> Quote:
    """The quote. `held_out` is how many examples baseline and winner are scored on, each once."""
    frame = held_out * (1 + work.serving)
    program = (work.low + held_out * 2, work.high + held_out * 2)
    lm = per_call.lm_calls
    taught = work.teaching if work.always_taught or separate_teacher else (0, 0)
    calls: dict[str, Interval] = {
        "task": ((work.low + frame - taught[0]) * lm, (work.high + frame - taught[1]) * lm),
        "proposer": work.proposals,
        "teacher": (work.reflections[0] + taught[0] * lm, work.reflections[1] + taught[1] * lm),
    }
    if judged:
        calls["judge"] = program
    if budget.calls is not None:
        most = budget.calls + held_out * work.serving * lm
        calls = {role: (min(low, most), min(high, most)) for role, (low, high) in calls.items()}
    calls = {role: interval for role, interval in calls.items() if interval[1]}
    demos = max((int(parameters.get(name, 0)) for name in DEMO_PARAMETERS), default=0)
    longer = demos * per_call.example_tokens + (REWRITTEN_TOKENS if rewrites else 0)
    tokens = {role: _tokens(role, interval, per_call, longer) for role, interval in calls.items()}
    return Quote(
        program_calls=program,
        calls=calls,
        tokens_in=_total([inward for inward, _ in tokens.values()]),
        tokens_out=_total([outward for _, outward in tokens.values()]),
        usd=_money(tokens, prices, budget),
        minutes=_minutes(calls, per_call, threads, budget),
        serving=work.serving,
        detectable=detectable,
        test=test,
        basis=per_call.basis,
    )


def _tokens(role: str, calls: Interval, per_call: PerCall, longer: float) -> tuple[Interval, Interval]:
    """(tokens in, tokens out) of a role's calls; the task's prompts may get `longer` by so many tokens."""
    low, high = calls
    if role in ("task", "judge"):
        lm = max(per_call.lm_calls, 1)
        inward, outward = per_call.tokens_in / lm, per_call.tokens_out / lm
        longest = inward + (longer if role == "task" else 0)
        return (low * inward * 0.8, high * longest * 1.2), (low * outward * 0.6, high * outward * 1.6)
    shown = [n * per_call.example_tokens for n in EXAMPLES_SHOWN]
    return (
        (low * (REQUEST_TOKENS[0] + shown[0]), high * (REQUEST_TOKENS[1] + shown[1])),
        (low * REPLY_TOKENS[0], high * REPLY_TOKENS[1]),
    )


def _total(intervals: list[Interval]) -> Interval:
    return sum(low for low, _ in intervals), sum(high for _, high in intervals)


def _money(tokens: Mapping[str, tuple[Interval, Interval]], prices: Mapping[str, Prices], budget: Budget) -> Any:
    low = high = 0.0
    for role, (inward, outward) in tokens.items():
        least = prices[role].cost(inward[0], outward[0])
        most = prices[role].cost(inward[1], outward[1])
        if least is None or most is None:
            return None
        low, high = low + least, high + most
    return (min(low, budget.usd * 2), min(high, budget.usd * 2)) if budget.usd is not None else (low, high)


def _minutes(calls: Mapping[str, Interval], per_call: PerCall, threads: int, budget: Budget) -> Interval | None:
    if per_call.seconds is None:
        return None
    each = per_call.seconds / max(per_call.lm_calls, 1) / 60
    low, high = _total(list(calls.values()))
    # proposers and teachers are asked one after another, so threads help less than fully
    found = (low * each / threads * 0.7, high * each / max(1, threads * 0.6) * 2)
    return (min(found[0], budget.minutes), found[1]) if budget.minutes is not None else found
