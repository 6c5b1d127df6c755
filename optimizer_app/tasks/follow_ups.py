"""Tasks about work after a run."""

from celery import shared_task

from optimizer_app import jobs
from optimizer_app.services import follow_ups


@shared_task(name=jobs.FOLLOW_UP)
def follow_up_execute(follow_up_id: int) -> None:
    """Do queued follow-up work; nothing happens if it is not queued any more."""
    follow_ups.follow_up_execute(follow_up_id)
