"""Enqueue a job by name, after the transaction has committed."""

from typing import Any

from celery import current_app
from django.db import transaction


def enqueue(job: str, **arguments: Any) -> None:
    """Send the job once what it is about can be seen by others; not at all if the transaction rolls back.

    A broker that is away is logged, not raised: the change is made, and the tick sends lost messages again.
    """
    transaction.on_commit(lambda: current_app.send_task(job, kwargs=arguments, ignore_result=True), robust=True)
