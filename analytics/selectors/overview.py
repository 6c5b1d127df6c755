"""What the overview shows."""

from dataclasses import dataclass
from typing import Any

from optimizer_app.models import Run, Worker
from optimizer_app.selectors.workers import worker_states


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


def overview() -> Overview:
    """The overview; the number of queries does not grow with the number of workers."""
    lines = [
        WorkerLine(state.worker, state.proof.numbers if state.proof else None, state.newest_run)
        for state in worker_states()
    ]
    going_on = Run.objects.exclude(status__in=Run.ENDED).select_related("worker")
    return Overview(lines, list(going_on))
