"""What the overview shows: every worker on one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analytics.compute.intervals import Estimate, mean_difference, share_difference
from analytics.compute.sketches import Sketch
from analytics.compute.totals import Totals
from analytics.selectors.periods import Period
from analytics.selectors.roi import Ledger, ledgers
from analytics.selectors.stats import latency_by_worker, sums_by_worker
from optimizer_app.models import Run, Worker
from optimizer_app.selectors.workers import worker_states

PAGE = 50
ORDERS = {"name": "name", "calls": "calls", "spend": "spend", "change": "worst change first", "value": "net value"}


@dataclass(frozen=True)
class WorkerLine:
    """One worker on one line. `proof` are the comparison's numbers behind the active version, if there are any.
    `change` is that of the score, or of the success where nothing is scored, against the period before."""

    worker: Worker
    proof: dict[str, Any] | None
    newest_run: Run | None
    now: Totals
    before: Totals
    p95: float | None
    change: Estimate | None
    ledger: Ledger

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
    states = [state for state in worker_states() if search.lower() in state.worker.name.lower()]
    now, before = sums_by_worker(period), sums_by_worker(period.previous)
    balances = {ledger.worker: ledger for ledger in ledgers([state.worker for state in states])}
    lines = [
        WorkerLine(
            state.worker, state.proof.numbers if state.proof else None, state.newest_run,
            now.get(state.worker.pk, Totals()), before.get(state.worker.pk, Totals()), None,
            _change(now.get(state.worker.pk), before.get(state.worker.pk)), balances[state.worker.pk],
        )
        for state in states
    ]  # fmt: skip
    shown = sorted(lines, key=_KEYS[order])[at:][:most]
    latencies = latency_by_worker(period, [line.worker.pk for line in shown])
    valued = [ledger for ledger in balances.values() if ledger.earned_usd is not None]
    return Overview(
        lines=[_with_latency(line, latencies) for line in shown],
        workers=len(lines),
        in_progress=list(Run.objects.exclude(status__in=Run.ENDED).select_related("worker")),
        calls=sum(totals.calls for totals in now.values()),
        spend_usd=sum(totals.cost_usd for totals in now.values()),
        earned_usd=sum(ledger.earned_usd or 0.0 for ledger in valued) if valued else None,
        invested_usd=sum(ledger.spent_usd for ledger in balances.values()),
        valued=len(valued),
    )


def _change(now: Totals | None, before: Totals | None) -> Estimate | None:
    if now is None or before is None:
        return None
    if now.scored:
        return mean_difference(before.scores, now.scores)
    return share_difference((before.successes, before.calls), (now.successes, now.calls))


def _with_latency(line: WorkerLine, latencies: dict[int, Sketch]) -> WorkerLine:
    sketch = latencies.get(line.worker.pk)
    return replace(line, p95=sketch.quantile(0.95)) if sketch else line


_KEYS: dict[str, Callable[[WorkerLine], Any]] = {
    "name": lambda line: (line.worker.name.lower(),),
    "calls": lambda line: (-line.now.calls, line.worker.name),
    "spend": lambda line: (-line.now.cost_usd, line.worker.name),
    "change": lambda line: (line.change.value if line.change else 1.0, line.worker.name),
    "value": lambda line: (-(line.ledger.to_date_usd or 0.0), line.worker.name),
}
