"""All workers' ledgers together, and where another run would pay most."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from analytics.compute.roi import discounted_calls
from analytics.selectors.history import history
from analytics.selectors.roi import Ledger, ledgers
from optimizer_app.models import Comparison, Worker

CAUTIOUS_SHARE = 0.15  # of the errors that a run removes, while there is no history to learn from
LEAST_HISTORY = 5


@dataclass(frozen=True)
class Prospect:
    """What another run of a worker may bring over its horizon: `errors` is the share of answers that are wrong now."""

    ledger: Ledger
    errors: float
    expected_usd: float


@dataclass(frozen=True)
class Portfolio:
    """Every worker, by net value; sums over those whose value is known. `share` of errors is what a run removes."""

    ledgers: Sequence[Ledger]
    spent_usd: float
    earned_usd: float | None
    valued: int
    prospects: Sequence[Prospect]
    share: float
    learned_from: int
    run_usd: float


def portfolio() -> Portfolio:
    """The portfolio; a fixed number of queries."""
    workers = list(Worker.objects.select_related("active_version"))
    found = ledgers(workers)
    valued = [ledger for ledger in found if ledger.earned_usd is not None]
    share, learned, cost = _experience()
    levels = _levels(workers)
    prospects = [_prospect(ledger, levels[ledger.worker], share, cost) for ledger in found if ledger.worker in levels]
    return Portfolio(
        ledgers=sorted(found, key=lambda ledger: -(ledger.to_date_usd or -ledger.spent_usd)),
        spent_usd=sum(ledger.spent_usd for ledger in found),
        earned_usd=sum(ledger.earned_usd or 0.0 for ledger in valued) if valued else None,
        valued=len(valued),
        prospects=sorted((p for p in prospects if p.expected_usd > 0), key=lambda p: -p.expected_usd)[:5],
        share=share,
        learned_from=learned,
        run_usd=cost,
    )


def _prospect(ledger: Ledger, level: float, share: float, cost: float) -> Prospect:
    errors = 1 - level
    worth = discounted_calls(ledger.stake) * errors * share * (ledger.value.correct_usd or 0.0)
    return Prospect(ledger, errors, worth - cost)


def _levels(workers: Sequence[Worker]) -> dict[int, float]:
    """The newest known test score of what is active, by worker."""
    active = {worker.active_version_id: worker.pk for worker in workers}
    found: dict[int, float] = {}
    rows = Comparison.objects.filter(run__worker__in=[w.pk for w in workers]).order_by("id")
    for winner, baseline, numbers in rows.values_list("run__winner", "run__baseline", "numbers"):
        if winner in active:
            found[active[winner]] = numbers["after"]
        elif baseline in active:
            found[active[baseline]] = numbers["before"]
    return found


def _experience() -> tuple[float, int, float]:
    """(share of errors that a run removed, from how many runs, what a run cost), as medians of the past."""
    past = [run for run in history().runs if run.gain is not None]
    costs = [run.cost.usd for run in past if run.cost.usd is not None]
    rows = Comparison.objects.order_by("-id").values_list("numbers", flat=True)[:200]
    removed = [n["difference"] / (1 - n["before"]) for n in rows if n["before"] < 1]
    if len(removed) < LEAST_HISTORY:
        return CAUTIOUS_SHARE, len(removed), median(costs) if costs else 0.0
    return max(0.0, median(removed)), len(removed), median(costs) if costs else 0.0
