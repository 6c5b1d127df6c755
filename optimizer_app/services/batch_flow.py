"""How the runs of a batch take turns, and what each may spend of the budget they share."""

import msgspec
from django.db import transaction

from optimizer_app import jobs
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Run

UNFINISHED = (Run.Status.QUEUED, Run.Status.PAUSED, *Run.ACTIVE)


def batch_admits(run_id: int) -> bool:
    """Whether a queued run may begin now. Two that ask at once may both begin; the limit is for load, not money."""
    batch = Run.objects.values_list("batch_id", "batch__at_once").filter(pk=run_id).first()
    if not batch or batch[0] is None:
        return True
    active = Run.objects.filter(batch_id=batch[0], status__in=Run.ACTIVE).count()
    return bool(active < batch[1])


def batch_continue(run: Run) -> None:
    """Wake the next run of the batch."""
    if run.batch_id is None:
        return
    waiting = Run.objects.filter(batch_id=run.batch_id, status=Run.Status.QUEUED).order_by("id").first()
    if waiting:
        with transaction.atomic():
            enqueue(jobs.RUN_EXECUTE, run_id=waiting.pk)


def batch_share(run: Run, own: Budget) -> Budget:
    """The run's budget: its own, or an even share of what its batch has left, so that together they never go over."""
    if run.batch is None or not run.batch.budget:
        return own
    whole = msgspec.convert(run.batch.budget, Budget)
    others = list(run.batch.runs.exclude(pk=run.pk))
    waiting = [other for other in others if other.status in UNFINISHED]
    spent = [other.progress.get("usage") or {} for other in others if other not in waiting]
    share = 1 + len(waiting)

    def left(most: float | None, used: float) -> float | None:
        return None if most is None else max(0.0, most - used) / share

    calls = left(whole.calls, sum(u.get("calls", 0) - u.get("cached_calls", 0) for u in spent))
    tokens = left(whole.tokens, sum(u.get("tokens_in", 0) + u.get("tokens_out", 0) for u in spent))
    return Budget(
        calls=None if calls is None else int(calls),
        tokens=None if tokens is None else int(tokens),
        usd=left(whole.usd, sum(u.get("cost_usd") or 0.0 for u in spent)),
        minutes=left(whole.minutes, 0.0),
    )
