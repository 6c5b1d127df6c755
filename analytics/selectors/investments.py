"""What went into a worker's optimizations, and what each promotion changed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, FloatField, Q, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from analytics.models import Stat
from optimizer_app.models import Comparison, FollowUp, Run, Worker

T_95 = 1.96  # half an interval over its standard error, near enough from 50 examples on
KEPT_S = 3600
DEEPEST = 20  # versions between the baseline and the active one


@dataclass(frozen=True)
class Spent:
    """What the optimizations of a worker took, all runs with it, failed and discarded ones too. Money in USD."""

    runs: int = 0
    discarded: int = 0
    unpriced: int = 0
    models_usd: float = 0.0
    minutes: float = 0.0


@dataclass(frozen=True)
class Step:
    """One promotion's worth of change, as its run measured it on the sealed test split."""

    run: int
    version: int
    number: int
    gain: float
    error: float
    n: int
    cost: float | None  # change of the cost of a call in USD; None when unpriced
    seconds: float | None  # change of the median latency


def spent_by_worker(ids: Collection[int]) -> dict[int, Spent]:
    usd = Cast(KT("progress__usage__cost_usd"), FloatField())
    lost = Q(winner=None) | ~Q(finish_reason=Run.Finish.IMPROVED)
    rows = Run.objects.filter(worker__in=ids, started_at__isnull=False).values("worker").annotate(
        runs=Count("pk"), discarded=Count("pk", filter=lost), usd=Sum(usd),
        unpriced=Count("pk", filter=Q(progress__usage__cost_usd=None)),
        time=Sum(F("finished_at") - F("started_at"), filter=Q(finished_at__isnull=False)),
    )  # fmt: skip
    later: dict[int, float] = defaultdict(float)
    for worker, used in FollowUp.objects.filter(run__worker__in=ids).values_list("run__worker", "usage"):
        later[worker] += used.get("cost_usd") or 0.0
    return {
        row["worker"]: Spent(
            row["runs"], row["discarded"], row["unpriced"], (row["usd"] or 0.0) + later[row["worker"]],
            row["time"].total_seconds() / 60 if row["time"] else 0.0,
        )
        for row in rows
    }  # fmt: skip


def chains_by_worker(workers: Collection[Worker]) -> dict[int, list[Step]]:
    """For each worker the steps from its baseline to its active version, oldest first; one query for all."""
    chains: dict[int, list[Step]] = {worker.pk: [] for worker in workers}
    active = ((w.active_version, w.pk) for w in workers if w.active_version)
    wanted = {version.pk: worker for version, worker in active if version.number}
    if not wanted:
        return chains
    # What a run measured never changes, so the chains are the same until a run ends or a version is promoted.
    last = Comparison.objects.order_by("-id").values_list("pk", flat=True).first()
    key = f"chains-{last}-{hash(tuple(sorted(wanted.items())))}"
    kept: dict[int, list[Step]] | None = cache.get(key)
    if kept is None:
        kept = _chained(chains, wanted)
        cache.set(key, kept, KEPT_S)
    return kept


def _chained(chains: dict[int, list[Step]], wanted: dict[int, int]) -> dict[int, list[Step]]:
    made = Comparison.objects.filter(run__worker__in=chains, run__winner__isnull=False).order_by("id")
    newest = {row[1]: row for row in made.values_list(*_STEP)}
    for version, worker in wanted.items():
        at: int | None = version
        while at in newest and len(chains[worker]) < DEEPEST:
            row = newest[at]
            chains[worker].insert(0, _step(row))
            at = row[4] if row[3] else None
    return chains


def step_of(run: Run) -> Step | None:
    """What the winner of a run changes; None where nothing was compared."""
    row = Comparison.objects.filter(run=run, run__winner__isnull=False).values_list(*_STEP).first()
    return _step(row) if row else None


_STEP = (
    "run", "run__winner", "run__winner__number", "run__baseline__number", "run__baseline", "numbers",
    "before__cost_usd", "before__measured", "before__latency_p50_ms",
    "after__cost_usd", "after__measured", "after__latency_p50_ms",
)  # fmt: skip


def _step(row: tuple[Any, ...]) -> Step:
    run, version, number, _, _, numbers, *sides = row
    before, after = _per_call(*sides[0:2]), _per_call(*sides[3:5])
    slow, fast = sides[2], sides[5]
    return Step(
        run=run, version=version, number=number, gain=numbers["difference"],
        error=(numbers["high"] - numbers["low"]) / (2 * T_95), n=numbers["n"],
        cost=None if before is None or after is None else after - before,
        seconds=None if slow is None or fast is None else (fast - slow) / 1000,
    )  # fmt: skip


def _per_call(usd: float | None, measured: int) -> float | None:
    return None if usd is None or not measured else usd / measured


def served_by_version(ids: Collection[int], versions: set[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    stats = Stat.objects.filter(size=Stat.Size.DAY, worker__in=ids, version__in=versions)
    for worker, version, calls in stats.order_by().values_list("worker", "version").annotate(Sum("calls")):
        found[worker][version] = calls
    return found
