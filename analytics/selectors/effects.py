"""Before and after: offline, where runs compared both on the same examples, and online, around each promotion."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.compute.totals import Totals
from analytics.selectors.periods import DAY, Period, Size, floor
from analytics.selectors.stats import totals_by_version
from analytics.selectors.trends import Line, lines_of
from optimizer_app.models import Comparison, Promotion, Worker

WINDOW = timedelta(days=7)
MOST = 12


@dataclass(frozen=True)
class Offline:
    """One run's winner against its baseline, on its sealed test split. Shares of 1."""

    run: int
    optimizer: str
    dataset: str
    before: int  # version numbers
    after: int | None
    n: int
    difference: float
    low: float
    high: float
    verdict: str
    fixed: int
    broken: int
    active: bool


@dataclass(frozen=True)
class Online:
    """Calls answered by the former version before a promotion and by the new one after it, up to WINDOW each."""

    at: datetime
    kind: str
    before: int
    after: int
    calls_before: int
    calls_after: int
    lines: list[Line]


def offline_of(worker: Worker) -> list[Offline]:
    """The newest comparisons of the worker's runs."""
    related = ("run__winner", "run__baseline", "run__dataset_version__dataset")
    found = Comparison.objects.filter(run__worker=worker).select_related(*related).order_by("-id")
    return [_offline(comparison, worker) for comparison in found[:MOST]]


def online_of(worker: Worker) -> list[Online]:
    """The worker's newest promotions, with what production showed on both sides."""
    promotions = list(worker.promotions.select_related("version", "previous").order_by("-id")[: MOST + 1])
    found = []
    for number, promotion in enumerate(promotions[:MOST]):
        if promotion.previous is None or promotion.previous == promotion.version:
            continue
        later = promotions[number - 1].created_at if number else None
        earlier = promotions[number + 1].created_at if number + 1 < len(promotions) else None
        found.append(_online(worker, promotion, earlier, later))
    return found


def _online(worker: Worker, promotion: Promotion, earlier: datetime | None, later: datetime | None) -> Online:
    at = promotion.created_at
    start, end = max(at - WINDOW, earlier or at - WINDOW), min(at + WINDOW, later or at + WINDOW)
    window = Period("", floor(start, Size.DAY), floor(end, Size.DAY) + DAY, Size.DAY, Size.DAY)
    # By version, not by the clock, so whole days do: processes take a new version over within seconds, not at once.
    sides = totals_by_version(worker.pk, window)
    assert promotion.previous
    before = sides.get(promotion.previous.pk, Totals())
    after = sides.get(promotion.version.pk, Totals())
    return Online(
        at=at, kind=promotion.get_kind_display(), before=promotion.previous.number, after=promotion.version.number,
        calls_before=before.calls, calls_after=after.calls, lines=lines_of(after, before)[1:],
    )  # fmt: skip


def _offline(comparison: Comparison, worker: Worker) -> Offline:
    run, numbers = comparison.run, comparison.numbers
    return Offline(
        run=run.pk, optimizer=run.optimizer, dataset=str(run.dataset_version), before=run.baseline.number,
        after=run.winner.number if run.winner else None, n=numbers["n"], difference=numbers["difference"],
        low=numbers["low"], high=numbers["high"], verdict=numbers["verdict"], fixed=numbers["fixed"],
        broken=numbers["broken"], active=bool(run.winner_id and run.winner_id == worker.active_version_id),
    )  # fmt: skip
