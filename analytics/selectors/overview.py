"""What the overview shows."""

from dataclasses import dataclass
from typing import Any

from optimizer_app.models import Run, Worker
from optimizer_app.selectors.workers import active_comparison, overview_workers


@dataclass(frozen=True)
class WorkerLine:
    """One worker on one line. `proof` are the comparison's numbers behind the active version, if there are any."""

    worker: Worker
    proof: dict[str, Any] | None
    newest_run: Run | None

    @property
    def waits_for_promotion(self) -> bool:
        run = self.newest_run
        return bool(run and run.finish_reason == Run.Finish.IMPROVED and run.winner_id != self.worker.active_version_id)


@dataclass(frozen=True)
class Overview:
    """All workers, and what is going on."""

    lines: list[WorkerLine]
    in_progress: list[Run]
    finished: int


def overview() -> Overview:
    """The overview; the number of queries does not grow with the number of workers."""
    lines = []
    for worker in overview_workers():
        runs: list[Run] = worker.newest_runs  # type: ignore[attr-defined]
        comparison = active_comparison(worker)
        lines.append(WorkerLine(worker, comparison.numbers if comparison else None, runs[0] if runs else None))
    going_on = Run.objects.exclude(status__in=Run.ENDED).select_related("worker")
    return Overview(lines, list(going_on), Run.objects.filter(status__in=Run.ENDED).count())
