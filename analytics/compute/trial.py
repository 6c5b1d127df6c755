"""What a canary says: both sides' sums, the tests that may be looked at at any time, and what to do
(docs/statistics.md, section 3)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from analytics.compute.intervals import Estimate, Moments, mean_difference
from analytics.compute.sequential import LEAST_PER_ARM, Arm, Race, arm_of_outcomes, arm_of_scores, race
from optimizer_app.common.measures import Measure

QUALITY: tuple[Literal["success", "score"], ...] = ("success", "score")
LEAST_VARIANCE = 1e-6  # of graded scores that are all the same
Action = Literal["", "promoted", "cheaper", "rolled_back", "equivalent", "undecided"]


class Sums(msgspec.Struct):
    """Number, sum and sum of squares of values."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float | None, sign: int) -> None:
        if value is not None:
            self.n += sign
            self.total += sign * value
            self.squares += sign * value * value

    @property
    def moments(self) -> Moments:
        return Moments(self.n, self.total, self.squares)

    @property
    def arm(self) -> Arm:
        """The side of a race that these values are; only 0 and 1 have equal sums."""
        if abs(self.total - self.squares) < 1e-9:
            return arm_of_outcomes(round(self.total), self.n)
        return arm_of_scores(self.n, self.total / self.n, max(self.moments.variance, LEAST_VARIANCE))


class Tally(msgspec.Struct):
    """One side."""

    success: Sums = msgspec.field(default_factory=Sums)
    score: Sums = msgspec.field(default_factory=Sums)
    cost: Sums = msgspec.field(default_factory=Sums)
    latency: Sums = msgspec.field(default_factory=Sums)  # of ln(ms)

    def add(self, measure: Measure) -> None:
        """Count a call, or take it back."""
        self.success.add(float(measure.success), measure.sign)
        self.score.add(measure.score, measure.sign)
        self.cost.add(measure.cost_usd, measure.sign)
        self.latency.add(None if not measure.latency_ms else math.log(measure.latency_ms), measure.sign)

    @property
    def typical_ms(self) -> float | None:
        """The geometric mean of latency."""
        return math.exp(self.latency.total / self.latency.n) if self.latency.n else None


@dataclass(frozen=True)
class Standing:
    """How a canary stands. `races` by measure, new minus old; `judged` is the measure that decides; `action` is what is
    to be done now, empty while nothing is; `cost` is the difference per call in USD."""

    races: Mapping[str, Race]
    judged: str
    action: Action
    why: str
    cost: Estimate | None
    calls: int


def standing(old: Tally, new: Tally, *, smallest: float, most_calls: int, alarm: str = "") -> Standing:
    """Where the trial stands. `alarm` names a guard that fell before enough calls were there for a test."""
    pairs: dict[str, tuple[Sums, Sums]] = {name: (getattr(old, name), getattr(new, name)) for name in QUALITY}
    races = {
        name: race(first.arm, second.arm, smallest=smallest)
        for name, (first, second) in pairs.items()
        if first.n and second.n
    }
    judged = "score" if old.score.n or new.score.n else "success"
    cost = mean_difference(old.cost.moments, new.cost.moments)
    calls = old.success.n + new.success.n
    action, why = _action(races, judged, cost, alarm, calls >= most_calls)
    return Standing(races, judged, action, why, cost, calls)


def _action(
    races: Mapping[str, Race], judged: str, cost: Estimate | None, alarm: str, over: bool
) -> tuple[Action, str]:
    if alarm:
        return "rolled_back", f"the guard of {alarm} fell within its first calls"
    for name, found in races.items():
        if found.decision == "roll back":
            return "rolled_back", f"{name} is worse: {_said(found)}"
    one = races.get(judged)
    if one and one.decision == "promote":
        return "promoted", f"{judged} is better: {_said(one)}"
    if one and one.decision == "equivalent":
        if cost is not None and cost.high < 0:
            return "cheaper", f"{judged} differs by less than what matters, {_said(one)}; a call costs less"
        return "equivalent", f"{judged} differs by less than what matters: {_said(one)}"
    if over:
        told = f": {judged} differs by {_said(one)}" if one else f", for want of {LEAST_PER_ARM} calls on each side"
        return "undecided", f"the calls that it may take are used up{told}"
    return "", ""


def _said(found: Race) -> str:
    points = (100 * found.difference, 100 * found.low, 100 * found.high)
    return "{:+.1f} points (90 % at every look: {:+.1f} to {:+.1f})".format(*points)
