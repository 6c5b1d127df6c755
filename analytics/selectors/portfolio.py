"""All workers' ledgers together, and where another run would pay most."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import Q

from analytics.compute.roi import discounted_calls
from analytics.selectors.roi import Ledger, all_ledgers
from optimizer_app.models import Comparison, Worker

CAUTIOUS_SHARE = 0.15  # of the errors that a run removes, while there is no history to learn from
LEAST_HISTORY, LEARNED_FROM = 5, 100


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
    found = all_ledgers()
    valued = [ledger for ledger in found if ledger.earned_usd is not None]
    share, learned, cost = _experience()
    levels = _levels()
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


def _levels() -> dict[int, float]:
    """The newest known test score of what is active, by worker."""
    active = {version: worker for worker, version in Worker.objects.values_list("pk", "active_version")}
    found: dict[int, float] = {}
    about = Comparison.objects.filter(Q(run__winner__in=active) | Q(run__baseline__in=active)).order_by("id")
    for winner, baseline, numbers in about.values_list("run__winner", "run__baseline", "numbers"):
        if winner in active:
            found[active[winner]] = numbers["after"]
        elif baseline in active:
            found[active[baseline]] = numbers["before"]
    return found


def _experience() -> tuple[float, int, float]:
    """(share of errors that a run removed, from how many runs, what a run cost), as medians of the newest."""
    told = Comparison.objects.order_by("-id").values_list("numbers", "run__progress__usage__cost_usd")
    past = list(told[:LEARNED_FROM])
    removed = [numbers["difference"] / (1 - numbers["before"]) for numbers, _ in past if numbers["before"] < 1]
    costs = [cost for _, cost in past if cost is not None]
    cost = median(costs) if costs else 0.0
    if len(removed) < LEAST_HISTORY:
        return CAUTIOUS_SHARE, len(removed), cost
    return max(0.0, median(removed)), len(removed), cost
