"""Reading runs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from optimizer_app.models import Candidate, Run, RunLogLine

LOG_LINES = 200


@dataclass(frozen=True)
class RunProgress:
    """What the live page shows of a run."""

    run: Run
    candidates: list[Candidate]
    log: list[RunLogLine]
    elapsed: timedelta | None

    @property
    def best(self) -> Candidate | None:
        """The best candidate on the whole validation split."""
        scored = [candidate for candidate in self.candidates if candidate.full_score is not None]
        return max(scored, key=lambda candidate: candidate.full_score or 0.0, default=None)

    @property
    def share(self) -> int:
        """Work done in percent of the most it can be; exact where the work is known exactly."""
        most = self.run.progress.get("high") or 0
        if self.run.status == Run.Status.SUCCEEDED:
            return 100
        return min(99, round(100 * self.run.progress["done"] / most)) if most else 0

    @property
    def usage(self) -> dict[str, Any]:
        usage: dict[str, Any] = self.run.progress.get("usage") or {}
        return usage


def run_progress(run: Run) -> RunProgress:
    """The run with its candidates and the end of its log, newest line first."""
    elapsed = (run.finished_at or timezone.now()) - run.started_at if run.started_at else None
    return RunProgress(
        run=run,
        candidates=list(run.candidates.defer("state")),
        log=list(run.log_lines.order_by("-id")[:LOG_LINES]),
        elapsed=elapsed,
    )
