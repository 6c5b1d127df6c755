"""Reading workers."""

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from optimizer_app.models import (
    Comparison,
    DatasetVersion,
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

    worker: Worker
    versions: list[ProgramVersion]
    runs: list[Run]
    promotions: list[Promotion]
    dataset_versions: list[DatasetVersion]
    has_examples: bool
    rollback_to: ProgramVersion | None
    next_step: str
    proof: Comparison | None


def worker_page(worker: Worker) -> WorkerPage:
    """The worker with its newest versions, runs and promotions."""
    dataset_versions = list(dataset_versions_for(worker)[:10])
    has_examples = Example.objects.filter(dataset__in=datasets_for(worker)).exists()
    runs = list(worker.runs.select_related("comparison", "winner", "dataset_version__dataset").order_by("-id")[:10])
    return WorkerPage(
        worker=worker,
        versions=list(worker_versions(worker)[:20]),
        runs=runs,
        promotions=list(worker.promotions.select_related("version", "previous")[:10]),
        dataset_versions=dataset_versions,
        has_examples=has_examples,
        rollback_to=rollback_target(worker),
        proof=Comparison.objects.filter(run__worker=worker, run__winner=worker.active_version).order_by("-id").first(),
        next_step=_next_step(worker, runs, bool(dataset_versions), has_examples=has_examples),
    )


def worker_versions(worker: Worker) -> QuerySet[ProgramVersion]:
    """Versions, newest first, each with its evaluations on test splits as `test_evaluations`."""
    tests = Evaluation.objects.filter(split=Split.TEST).select_related("run__dataset_version__dataset").order_by("-id")
    return worker.versions.select_related("run").prefetch_related(
        Prefetch("evaluations", queryset=tests, to_attr="test_evaluations")
    )


def overview_workers() -> QuerySet[Worker]:
    """Every worker with its newest run of each kind at hand; two queries however many there are."""
    runs = (
        Run.objects.select_related("comparison", "winner").defer("settings", "parameters", "progress").order_by("-id")
    )
    return Worker.objects.select_related("active_version", "metric", "language_model").prefetch_related(
        Prefetch("runs", queryset=runs, to_attr="newest_runs")
    )


def active_comparison(worker: Worker) -> Comparison | None:
    """The comparison that stands behind the active version; from `overview_workers` only."""
    for run in worker.newest_runs:  # type: ignore[attr-defined]
        if run.winner_id and run.winner_id == worker.active_version_id and hasattr(run, "comparison"):
            comparison: Comparison = run.comparison
            return comparison
    return None


def _next_step(worker: Worker, runs: list[Run], frozen: bool, *, has_examples: bool) -> str:
    """The key of the one thing to do next."""
    if not has_examples:
        return "import"
    if not frozen:
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
