"""Tasks about runs."""

from celery import shared_task

from optimizer_app import jobs
from optimizer_app.services import run_execution


@shared_task(name=jobs.RUN_EXECUTE)
def run_execute(run_id: int) -> None:
    """Execute a queued run; nothing happens if it is not queued any more."""
    run_execution.run_execute(run_id)
