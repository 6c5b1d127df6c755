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
    def left(self) -> tuple[timedelta, timedelta] | None:
        """Between which durations the run will take from now, at the pace so far; None before there is a pace."""
        done = self.run.progress.get("done") or 0
        if self.run.status != Run.Status.RUNNING or not done or self.elapsed is None:
            return None
        each = self.elapsed / done
        low, high = (max(0, self.run.progress[key] - done) for key in ("low", "high"))
        return each * low, each * high

    @property
    def usage(self) -> dict[str, Any]:
        usage: dict[str, Any] = self.run.progress.get("usage") or {}
        if usage.get("saved_usd"):
            usage = usage | {"would_be": usage["saved_usd"] + (usage["cost_usd"] or 0.0)}
        return usage

    @property
    def earlier(self) -> dict[str, Any]:
        """What attempts before this one used, empty when there were none."""
        usage: dict[str, Any] = self.run.progress.get("earlier") or {}
        return usage if usage.get("calls") else {}


@dataclass(frozen=True)
class QuoteLine:
    """One line of quote against actual. `kind` names the filter that shows it; None is unknown."""

    label: str
    kind: str
    low: float | None
    high: float | None
    actual: float | None

    @property
    def kept(self) -> bool | None:
        """Whether the actual value lies in the interval; None while one of them is unknown."""
        if self.low is None or self.high is None or self.actual is None:
            return None
        return self.low <= self.actual <= self.high


def run_progress(run: Run) -> RunProgress:
    """The run with its candidates and the end of its log, newest line first."""
    elapsed = (run.finished_at or timezone.now()) - run.started_at if run.started_at else None
    return RunProgress(
        run=run,
        candidates=list(run.candidates.defer("state", "example_scores")),
        log=list(run.log_lines.order_by("-id")[:LOG_LINES]),
        elapsed=elapsed,
    )


def quote_lines(run: Run) -> list[QuoteLine]:
    """The quote of a run beside what it took; empty for a run without one."""
    quote = run.quote
    if not quote:
        return []
    usage = run.progress.get("usage") if run.ended else None
    roles = (usage or {}).get("roles", {})
    lines = [
        QuoteLine(f"LM calls, {role}", "count", low, high, roles.get(role, {}).get("calls") if usage else None)
        for role, (low, high) in quote["calls"].items()
    ]
    for key, label in (("tokens_in", "Tokens in"), ("tokens_out", "Tokens out")):
        lines.append(QuoteLine(label, "count", quote[key][0], quote[key][1], usage[key] if usage else None))
    usd = quote["usd"] or (None, None)
    lines.append(QuoteLine("Money", "money", usd[0], usd[1], usage["cost_usd"] if usage else None))
    minutes = quote["minutes"] or (None, None)
    took = None
    if usage and run.started_at and run.finished_at:
        took = (run.finished_at - run.started_at).total_seconds() * 1000
    scaled = [None if value is None else value * 60_000 for value in minutes]
    lines.append(QuoteLine("Time", "time", scaled[0], scaled[1], took))
    return lines
