"""Reading workers."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from optimizer_app.models import (
    Comparison,
    Evaluation,
    Example,
    ProgramVersion,
    Promotion,
    Run,
    Split,
    Worker,
)
from optimizer_app.selectors.datasets import dataset_versions_for, datasets_for


@dataclass(frozen=True)
class WorkerPage:
    """What the page of a worker shows."""

    versions: list[ProgramVersion]
    runs: list[Run]
    promotions: list[Promotion]
    rollback_to: ProgramVersion | None
    next_step: str
    proof: Comparison | None


@dataclass(frozen=True)
class WorkerState:
    """A worker at a glance. `proof` is the newest comparison whose winner is the active version."""

    worker: Worker
    newest_run: Run | None
    proof: Comparison | None


def worker_page(worker: Worker) -> WorkerPage:
    """The worker with its newest versions, runs and promotions."""
    runs = list(worker.runs.select_related("comparison", "winner", "dataset_version__dataset").order_by("-id")[:10])
    return WorkerPage(
        versions=list(worker_versions(worker)[:20]),
        runs=runs,
        promotions=list(worker.promotions.select_related("version", "previous")[:10]),
        rollback_to=rollback_target(worker),
        proof=Comparison.objects.filter(run__worker=worker, run__winner=worker.active_version).order_by("-id").first(),
        next_step=_next_step(worker, runs),
    )


def worker_versions(worker: Worker) -> QuerySet[ProgramVersion]:
    """Versions, newest first, each with its evaluations on test splits as `test_evaluations`."""
    tests = Evaluation.objects.filter(split=Split.TEST).select_related("run__dataset_version__dataset").order_by("-id")
    return worker.versions.select_related("run").prefetch_related(
        Prefetch("evaluations", queryset=tests, to_attr="test_evaluations")
    )


def worker_states(workers: Collection[int]) -> dict[int, WorkerState]:
    """Workers by id with their newest run and their proof; three queries however many workers and runs there are."""
    newest = Run.objects.filter(worker=OuterRef("pk")).order_by("-id").values("pk")[:1]
    behind = Comparison.objects.filter(run__worker=OuterRef("pk"), run__winner=OuterRef("active_version"))
    chosen = list(
        Worker.objects.filter(pk__in=workers)
        .select_related("active_version")
        .defer("active_version__state", "program")  # to decrypt 200 states takes longer than all the rest
        .annotate(newest_run_id=Subquery(newest), proof_id=Subquery(behind.order_by("-id").values("pk")[:1]))
    )
    found = Run.objects.select_related("comparison", "winner").defer("winner__state", "settings", "quote")
    runs = found.in_bulk([w.newest_run_id for w in chosen])
    proofs = Comparison.objects.in_bulk([w.proof_id for w in chosen])
    return {w.pk: WorkerState(w, runs.get(w.newest_run_id), proofs.get(w.proof_id)) for w in chosen}


def _next_step(worker: Worker, runs: list[Run]) -> str:
    """The key of the one thing to do next."""
    if not Example.objects.filter(dataset__in=datasets_for(worker)).exists():
        return "import"
    if not dataset_versions_for(worker).exists():
        return "freeze"
    if not runs:
        return "run"
    newest = runs[0]
    if not newest.ended:
        return "watch"
    if newest.finish_reason == Run.Finish.IMPROVED and newest.winner_id != worker.active_version_id:
        return "promote"
    return ""


def rollback_target(worker: Worker) -> ProgramVersion | None:
    """What was active before the present version was promoted; rollbacks themselves are stepped over."""
    promotion = (
        worker.promotions.filter(version=worker.active_version)
        .exclude(kind=Promotion.Kind.ROLLBACK)
        .select_related("previous")
        .first()
    )
    return promotion.previous if promotion else None
