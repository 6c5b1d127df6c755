"""Enqueue a job by name, after the transaction has committed."""

from typing import Any

from celery import current_app
from django.db import transaction

from optimizer_app.common.log_context import current_ids


def enqueue(job: str, **arguments: Any) -> None:
    """Send the job once what it is about can be seen by others; not at all if the transaction rolls back.

    A broker that is away is logged, not raised: the change is made, and the tick sends lost messages again.
    The job's lines in the log carry the id of the request that asked for it.
    """
    asked_by = {"asked_by": current_ids().get("request_id", "")}
    transaction.on_commit(
        lambda: current_app.send_task(job, kwargs=arguments, headers=asked_by, ignore_result=True), robust=True
    )
