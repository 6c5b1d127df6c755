"""Training against runtime: what was paid once, and what each call costs now."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.compute.latency_fit import LatencyFit, latency_fit
from analytics.compute.totals import Totals
from analytics.selectors.investments import Spent, spent_by_worker
from analytics.selectors.periods import Period
from analytics.selectors.stats import daily_rates, totals_by_version
from optimizer_app.models import Comparison, Run, Worker


@dataclass(frozen=True)
class RunCost:
    """What one run took. `usd` is None when unpriced; `roles` are calls by role."""

    run: int
    optimizer: str
    finish: str
    calls: int
    cached: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    minutes: float | None
    roles: dict[str, int]


@dataclass(frozen=True)
class VersionCost:
    """What a call of a version cost in the period. `number` is None for calls that named no version."""

    number: int | None
    active: bool
    totals: Totals

    @property
    def per_thousand(self) -> float | None:
        return _per_thousand(self.totals)


@dataclass(frozen=True)
class PromptSize:
    """Tokens of a call before and after the newest optimization, on the sealed test split."""

    run: int
    before: float
    after: float


@dataclass(frozen=True)
class Costs:
    """What the page shows."""

    spent: Spent
    runs: Sequence[RunCost]
    versions: Sequence[VersionCost]
    whole: Totals
    prompt: PromptSize | None
    per_day: float
    fit: LatencyFit

    @property
    def per_thousand(self) -> float | None:
        return _per_thousand(self.whole)


MOST_RUNS = 20


def costs(worker: Worker, period: Period) -> Costs:
    """The costs of a worker: once, and per call."""
    by_version = totals_by_version(worker.pk, period)
    whole = Totals()
    for totals in by_version.values():
        whole.merge(totals)
    numbers = dict(worker.versions.filter(pk__in=by_version).values_list("pk", "number"))
    versions = [
        VersionCost(numbers.get(version), version == worker.active_version_id, totals)
        for version, totals in sorted(by_version.items(), key=lambda item: -numbers.get(item[0], -1))
    ]
    per_day = daily_rates([worker.pk]).get(worker.pk, 0.0)
    runs = worker.runs.filter(started_at__isnull=False).order_by("-id")[:MOST_RUNS]
    return Costs(
        spent=spent_by_worker([worker.pk]).get(worker.pk, Spent()),
        runs=[run_cost(run) for run in runs],
        versions=versions,
        whole=whole,
        prompt=_prompt(worker),
        per_day=per_day,
        fit=latency_fit(worker.latency_need_ms, whole.latency, per_day),
    )


def run_cost(run: Run) -> RunCost:
    """What a run took, as its ledger says."""
    used = run.progress.get("usage", {})
    time = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return RunCost(
        run=run.pk, optimizer=run.optimizer, finish=run.finish_reason or run.status, calls=used.get("calls", 0),
        cached=used.get("cached_calls", 0), tokens_in=used.get("tokens_in", 0), tokens_out=used.get("tokens_out", 0),
        usd=used.get("cost_usd"), minutes=time.total_seconds() / 60 if time else None,
        roles={role: part.get("calls", 0) for role, part in used.get("roles", {}).items()},
    )  # fmt: skip


def _per_thousand(totals: Totals) -> float | None:
    """USD for 1,000 calls."""
    return None if totals.cost_per_call is None else 1000 * totals.cost_per_call


def _prompt(worker: Worker) -> PromptSize | None:
    found = Comparison.objects.filter(run__worker=worker, run__winner=worker.active_version)
    newest = found.select_related("before", "after").order_by("-id").first()
    if newest is None or not newest.before.measured or not newest.after.measured:
        return None
    before, after = (side.tokens_in / side.measured for side in (newest.before, newest.after))
    return PromptSize(newest.run_id, before, after)
