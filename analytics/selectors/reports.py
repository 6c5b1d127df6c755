"""What a report says of a week: each worker on a line, what was promoted, which runs ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.models import ReportPlan, SharedLink
from analytics.selectors.overview import WorkerLine, overview
from analytics.selectors.periods import Period, period_of
from optimizer_app.models import Promotion, Run, Worker

MOST_LINES = 100
MOST_EVENTS = 30


@dataclass(frozen=True)
class Report:
    """Of one worker, or of all where `worker` is None. `declined` are lines whose quality is shown to have fallen."""

    worker: Worker | None
    period: Period
    lines: Sequence[WorkerLine]
    more: int  # lines that are left out
    declined: Sequence[WorkerLine]
    promotions: Sequence[Promotion]
    runs: Sequence[Run]
    calls: int
    spend_usd: float
    earned_usd: float | None

    @property
    def title(self) -> str:
        return f"{self.worker.name if self.worker else 'All workers'}, week to {self.period.last:%-d %B %Y}"


def report(worker: Worker | None = None) -> Report:
    """The report of the last seven days."""
    period = period_of({"period": "7d"})
    shown = overview(period, order="change", most=None)
    lines = [line for line in shown.lines if worker is None or line.worker.pk == worker.pk]
    promotions = Promotion.objects.filter(created_at__gte=period.start, previous__isnull=False)
    runs = Run.objects.filter(status__in=Run.ENDED, finished_at__gte=period.start)
    if worker is not None:
        promotions, runs = promotions.filter(worker=worker), runs.filter(worker=worker)
    return Report(
        worker=worker,
        period=period,
        lines=lines[:MOST_LINES],
        more=max(0, len(lines) - MOST_LINES),
        declined=[line for line in lines if line.change and line.change.shown == "below"],
        promotions=list(promotions.select_related("worker", "version", "previous")[:MOST_EVENTS]),
        runs=list(runs.select_related("worker", "comparison").order_by("-id")[:MOST_EVENTS]),
        calls=sum(line.now.calls for line in lines),
        spend_usd=sum(line.now.cost_usd for line in lines),
        earned_usd=_earned(lines),
    )


def report_plans() -> Sequence[ReportPlan]:
    """Every planned report."""
    return list(ReportPlan.objects.select_related("worker"))


def shared_links() -> Sequence[SharedLink]:
    """The newest links."""
    return list(SharedLink.objects.select_related("worker")[:MOST_EVENTS])


def _earned(lines: Sequence[WorkerLine]) -> float | None:
    known = [line.ledger.earned_usd for line in lines if line.ledger.earned_usd is not None]
    return sum(known) if known else None
