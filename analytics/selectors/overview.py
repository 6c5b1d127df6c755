"""What the overview shows: every worker on one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from analytics.compute.intervals import Estimate, mean_difference, share_difference
from analytics.compute.totals import Totals
from analytics.models import Incident
from analytics.selectors.periods import Period
from analytics.selectors.roi import Ledger, all_ledgers
from analytics.selectors.stats import latency_by_worker, sums_by_worker
from optimizer_app.models import Run, Worker
from optimizer_app.selectors.workers import worker_states

PAGE = 40
ORDERS = {"name": "name", "calls": "calls", "spend": "spend", "change": "worst change first", "value": "net value"}


@dataclass(frozen=True)
class WorkerLine:
    """One worker on one line. `proof` are the comparison's numbers behind the active version, if there are any.
    `change` is that of the score, or of the success where nothing is scored, against the period before."""

    worker: Worker
    proof: dict[str, Any] | None
    newest_run: Run | None
    now: Totals
    p95: float | None
    change: Estimate | None
    ledger: Ledger
    incident: int | None  # the newest that is not resolved

    @property
    def scored(self) -> bool:
        return bool(self.now.scored)

    @property
    def waits_for_promotion(self) -> bool:
        run = self.newest_run
        return bool(run and run.finish_reason == Run.Finish.IMPROVED and run.winner_id != self.worker.active_version_id)


@dataclass(frozen=True)
class Overview:
    """A page of workers, and what is going on. Sums are over all workers."""

    lines: Sequence[WorkerLine]
    workers: int
    in_progress: Sequence[Run]
    calls: int
    spend_usd: float
    earned_usd: float | None
    invested_usd: float
    valued: int


def overview(
    period: Period, *, order: str = "name", search: str = "", at: int = 0, most: int | None = PAGE
) -> Overview:
    """Up to `most` lines from line `at` on; the number of queries does not grow with the number of workers."""
    now, before = sums_by_worker(period), sums_by_worker(period.previous)
    balances = all_ledgers()
    valued = [ledger for ledger in balances if ledger.earned_usd is not None]
    found = [
        _Row(ledger, now.get(ledger.worker, Totals()), _change(now.get(ledger.worker), before.get(ledger.worker)))
        for ledger in balances
        if search.lower() in ledger.name.lower()
    ]
    shown = sorted(found, key=_KEYS[order])[at:][:most]
    return Overview(
        lines=_lines(shown, period),
        workers=len(found),
        in_progress=list(Run.objects.exclude(status__in=Run.ENDED).select_related("worker")),
        calls=sum(totals.calls for totals in now.values()),
        spend_usd=sum(totals.cost_usd for totals in now.values()),
        earned_usd=sum(ledger.earned_usd or 0.0 for ledger in valued) if valued else None,
        invested_usd=sum(ledger.spent_usd for ledger in balances),
        valued=len(valued),
    )


class _Row(NamedTuple):
    """What lines are sorted by."""

    ledger: Ledger
    now: Totals
    change: Estimate | None


def _lines(rows: Sequence[_Row], period: Period) -> list[WorkerLine]:
    ids = [row.ledger.worker for row in rows]
    states, latencies = worker_states(ids), latency_by_worker(period, ids)
    unresolved = Incident.objects.filter(worker__in=ids).exclude(status=Incident.Status.RESOLVED)
    fallen = dict(unresolved.order_by("id").values_list("worker", "id"))
    lines = []
    for row in rows:
        state, sketch = states[row.ledger.worker], latencies.get(row.ledger.worker)
        lines.append(
            WorkerLine(
                state.worker, state.proof.numbers if state.proof else None, state.newest_run, row.now,
                sketch.quantile(0.95) if sketch else None, row.change, row.ledger,
                fallen.get(row.ledger.worker),
            )
        )  # fmt: skip
    return lines


def _change(now: Totals | None, before: Totals | None) -> Estimate | None:
    if now is None or before is None:
        return None
    if now.scored:
        return mean_difference(before.scores, now.scores)
    return share_difference((before.successes, before.calls), (now.successes, now.calls))


_KEYS: dict[str, Callable[[_Row], Any]] = {
    "name": lambda row: row.ledger.name.lower(),
    "calls": lambda row: (-row.now.calls, row.ledger.name),
    "spend": lambda row: (-row.now.cost_usd, row.ledger.name),
    "change": lambda row: (row.change.value if row.change else 1.0, row.ledger.name),
    "value": lambda row: (-(row.ledger.to_date_usd or 0.0), row.ledger.name),
}
