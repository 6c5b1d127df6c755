"""How a worker goes: its course, the period against the one before, and whether there is a trend."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.compute.intervals import Estimate, Moments, mean_difference, share_difference
from analytics.compute.seasonal import stratified_difference
from analytics.compute.totals import Totals
from analytics.compute.trends import LEAST_PER_DAY, Trend, trend
from analytics.models import Stat
from analytics.selectors.annotations import Annotation, annotations, metric_changed_at
from analytics.selectors.periods import DAY, Period
from analytics.selectors.stats import Point, series, totals_of
from optimizer_app.models import Worker

TREND_DAYS = 90


@dataclass(frozen=True)
class Line:
    """One measure now and in the period before. `change` is later minus earlier with its interval, where it has one;
    `like_for_like` the same over equal weekdays and hours only. `kind` says how the value is shown."""

    label: str
    kind: str
    now: float | None
    before: float | None
    n: int
    change: Estimate | None = None
    like_for_like: Estimate | None = None
    better: int = 0  # 1: higher is better, -1: lower is


@dataclass(frozen=True)
class Slope:
    """The trend of daily values, over at most TREND_DAYS days up to the end of the period."""

    label: str
    kind: str
    trend: Trend | None
    days: int


@dataclass(frozen=True)
class Course:
    """What the page of a worker's trends shows."""

    points: Sequence[Point]
    now: Totals
    before: Totals
    lines: list[Line]
    slopes: list[Slope]
    events: list[Annotation]


def course(worker: Worker, period: Period) -> Course:
    """The course of a worker over a period."""
    points, earlier = series(worker.pk, period), series(worker.pk, period.previous)
    now, before = totals_of(worker.pk, period), totals_of(worker.pk, period.previous)
    return Course(
        points=points,
        now=now,
        before=before,
        lines=lines_of(now, before, _strata(points, earlier)),
        slopes=_slopes(worker, period),
        events=annotations(worker, period),
    )


def lines_of(now: Totals, before: Totals, strata: Sequence[tuple[Totals, Totals]] = ()) -> list[Line]:
    """Each measure of two sets of executions, `now` against `before`."""

    def alike(moments: Callable[[Totals], Moments]) -> Estimate | None:
        return stratified_difference((moments(first), moments(second)) for first, second in strata)

    outcomes = share_difference((before.successes, before.calls), (now.successes, now.calls))
    return [
        Line("Calls", "count", now.calls, before.calls, now.calls),
        Line("Success", "share", _outcomes(now).mean, _outcomes(before).mean,
             now.calls, outcomes, alike(_outcomes), 1),
        Line("Score", "share", now.scores.mean, before.scores.mean, now.scored,
             mean_difference(before.scores, now.scores), alike(lambda totals: totals.scores), 1),
        Line("Cost per call", "money", now.cost_per_call, before.cost_per_call, now.priced,
             mean_difference(before.costs, now.costs), alike(lambda totals: totals.costs), -1),
        Line("Latency, median", "time", now.p50, before.p50, now.latency.count, better=-1),
        Line("Latency, 95th percentile", "time", now.p95, before.p95, now.latency.count, better=-1),
        Line("Latency, 99th percentile", "time", now.p99, before.p99, now.latency.count, better=-1),
        Line("Prompt tokens per call", "count", now.tokens_in_per_call, before.tokens_in_per_call, now.counted),
        Line("Output tokens per call", "count", now.tokens_out_per_call, before.tokens_out_per_call, now.counted),
        Line("Spent", "money", now.cost_usd if now.priced else None, before.cost_usd if before.priced else None,
             now.priced),
    ]  # fmt: skip


def _strata(points: Sequence[Point], earlier: Sequence[Point]) -> list[tuple[Totals, Totals]]:
    """Pairs of totals of the same weekday and hour."""
    sides: dict[tuple[int, int], tuple[Totals, Totals]] = defaultdict(lambda: (Totals(), Totals()))
    for side, told in ((0, earlier), (1, points)):
        for point in told:
            sides[point.start.weekday(), point.start.hour][side].merge(point.totals)
    return [pair for pair in sides.values() if pair[0].calls and pair[1].calls]


def _outcomes(totals: Totals) -> Moments:
    return Moments(totals.calls, totals.successes, totals.successes)


def _slopes(worker: Worker, period: Period) -> list[Slope]:
    days = Period("", period.end - TREND_DAYS * DAY, period.end, Stat.Size.DAY, Stat.Size.DAY)
    points = series(worker.pk, days)
    judged_since = metric_changed_at(worker)
    measures: list[tuple[str, str, Callable[[Totals], tuple[int, float | None]]]] = [
        ("Success", "share", lambda t: (t.calls, t.successes / t.calls if t.calls else None)),
        ("Score", "share", lambda t: (t.scored, t.scores.mean)),
        ("Latency, median", "time", lambda t: (t.latency.count, t.p50)),
        ("Cost per call", "money", lambda t: (t.priced, t.cost_per_call)),
    ]
    slopes = []
    for label, kind, measure in measures:
        # no trend is drawn across a change of what is measured
        since = judged_since if label == "Score" else None
        told = [(_day(p.start), *measure(p.totals)) for p in points if since is None or p.start >= since]
        enough = [(day, value) for day, n, value in told if n >= LEAST_PER_DAY and value is not None]
        slopes.append(Slope(label, kind, trend(enough), len(enough)))
    return slopes


def _day(moment: datetime) -> int:
    return moment.toordinal()
