"""The history of runs: gain against money by optimizer, and quotes against what it took."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from analytics.selectors.costs import RunCost, run_cost
from optimizer_app.models import Run, Worker

MOST = 100


@dataclass(frozen=True)
class PastRun:
    """One ended run. Gains are shares of 1 with their 95 % interval; `kept_quote` None where nothing was quoted."""

    cost: RunCost
    worker: int
    worker_name: str
    at: datetime | None
    model: str
    gain: float | None
    low: float | None
    high: float | None
    n: int | None
    quoted_usd: tuple[float, float] | None
    kept_quote: bool | None


@dataclass(frozen=True)
class OptimizerRecord:
    """How an optimizer did: runs that ended with a comparison, how many improved, median gain and cost."""

    optimizer: str
    runs: int
    improved: int
    gain: float
    usd: float | None
    per_dollar: float | None


@dataclass(frozen=True)
class History:
    """The newest MOST ended runs, newest first; `more` when there are others."""

    runs: Sequence[PastRun]
    optimizers: Sequence[OptimizerRecord]
    quotes_kept: tuple[int, int]  # of how many
    more: bool


def history(worker: Worker | None = None) -> History:
    """The runs of one worker, or of all."""
    found = Run.objects.filter(status__in=Run.ENDED, started_at__isnull=False)
    if worker is not None:
        found = found.filter(worker=worker)
    rows = list(
        found.select_related("worker", "comparison", "language_model")
        .defer("settings", "worker__program")
        .order_by("-id")[: MOST + 1]
    )
    runs = [_past(run) for run in rows[:MOST]]
    quoted = [run.kept_quote for run in runs if run.kept_quote is not None]
    return History(runs, _records(runs), (sum(quoted), len(quoted)), len(rows) > MOST)


def _past(run: Run) -> PastRun:
    comparison = getattr(run, "comparison", None)
    numbers = comparison.numbers if comparison else {}
    cost = run_cost(run)
    usd = run.quote.get("usd") if run.quote else None
    quoted = (float(usd[0]), float(usd[1])) if usd else None
    kept = quoted[0] <= cost.usd <= quoted[1] if quoted and cost.usd is not None else None
    return PastRun(
        cost=cost, worker=run.worker_id, worker_name=run.worker.name, at=run.finished_at,
        model=run.language_model.name, gain=numbers.get("difference"), low=numbers.get("low"),
        high=numbers.get("high"), n=numbers.get("n"), quoted_usd=quoted, kept_quote=kept,
    )  # fmt: skip


def _records(runs: Sequence[PastRun]) -> list[OptimizerRecord]:
    by_optimizer: dict[str, list[PastRun]] = defaultdict(list)
    for run in runs:
        if run.gain is not None:
            by_optimizer[run.cost.optimizer].append(run)
    records = []
    for optimizer, told in by_optimizer.items():
        gain = median(run.gain for run in told if run.gain is not None)
        priced = [run.cost.usd for run in told if run.cost.usd is not None]
        usd = median(priced) if priced else None
        improved = sum(run.low is not None and run.low > 0 for run in told)
        records.append(OptimizerRecord(optimizer, len(told), improved, gain, usd, gain / usd if usd else None))
    return sorted(records, key=lambda record: -record.gain)
