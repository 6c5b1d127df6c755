"""What is known of a set of executions: counts, sums and sketches. Merging is addition, so any period is a sum."""

from collections import Counter

from analytics.compute.intervals import Estimate, Moments, mean, share
from analytics.compute.sketches import Sketch
from optimizer_app.common.measures import Measure

OTHER = "other"
MOST_KINDS = 50  # error kinds kept apart in one bucket


class Totals:
    """Sums over executions. `scored`, `priced`, `timed` and `counted` say how many had a score, price, time, tokens."""

    __slots__ = (
        "calls", "cost", "cost_squares", "cost_usd", "counted", "errors", "latency", "paths", "priced", "score_squares",
        "score_sum", "scored", "successes", "tokens_in", "tokens_out",
    )  # fmt: skip

    def __init__(self) -> None:
        self.calls = self.successes = self.scored = self.priced = self.counted = 0
        self.score_sum = self.score_squares = self.cost_usd = self.cost_squares = 0.0
        self.tokens_in = self.tokens_out = 0
        self.latency, self.cost = Sketch(), Sketch()
        self.errors: Counter[str] = Counter()
        self.paths: Counter[str] = Counter()

    def add(self, measure: Measure) -> None:
        """Count one execution, or take it back."""
        sign = measure.sign
        self.calls += sign
        self.successes += sign * measure.success
        if measure.score is not None:
            self.scored += sign
            self.score_sum += sign * measure.score
            self.score_squares += sign * measure.score**2
        if measure.cost_usd is not None:
            self.priced += sign
            self.cost_usd += sign * measure.cost_usd
            self.cost_squares += sign * measure.cost_usd**2
            self.cost.add(measure.cost_usd, sign)
        if measure.latency_ms is not None:
            self.latency.add(measure.latency_ms, sign)
        if measure.tokens_in is not None or measure.tokens_out is not None:
            self.counted += sign
            self.tokens_in += sign * (measure.tokens_in or 0)
            self.tokens_out += sign * (measure.tokens_out or 0)
        if measure.error_kind:
            known = measure.error_kind in self.errors or len(self.errors) < MOST_KINDS
            self.errors[measure.error_kind if known else OTHER] += sign
        self.paths[measure.path] += sign

    def merge(self, other: "Totals") -> None:
        """Add everything that the other counted."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.latency.merge(other.latency)
        self.cost.merge(other.cost)
        self.errors.update(other.errors)
        self.paths.update(other.paths)

    @property
    def success(self) -> Estimate | None:
        """The share that succeeded."""
        return share(self.successes, self.calls)

    @property
    def scores(self) -> Moments:
        return Moments(self.scored, self.score_sum, self.score_squares)

    @property
    def costs(self) -> Moments:
        return Moments(self.priced, self.cost_usd, self.cost_squares)

    @property
    def score(self) -> Estimate | None:
        """The mean score of those that were scored."""
        return mean(self.scores)

    @property
    def cost_per_call(self) -> float | None:
        """USD, of the priced calls; None when none is."""
        return self.costs.mean

    @property
    def tokens_in_per_call(self) -> float | None:
        return self.tokens_in / self.counted if self.counted else None

    @property
    def tokens_out_per_call(self) -> float | None:
        return self.tokens_out / self.counted if self.counted else None

    @property
    def p50(self) -> float | None:
        """Median latency in milliseconds, within 1 %."""
        return self.latency.quantile(0.5)

    @property
    def p95(self) -> float | None:
        return self.latency.quantile(0.95)

    @property
    def p99(self) -> float | None:
        return self.latency.quantile(0.99)


_SUMS = (
    "calls", "successes", "scored", "score_sum", "score_squares", "priced", "cost_usd", "cost_squares", "counted",
    "tokens_in", "tokens_out",
)  # fmt: skip
