"""The Celery app: `celery -A optimizer_app.celery worker`."""

import logging.config
import os
import signal
from contextlib import ExitStack
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService, Scheduler
from celery.signals import celeryd_init, setup_logging, task_postrun, task_prerun, worker_process_init, worker_ready
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from optimizer_app.common.log_context import log_context
from optimizer_app.common.observability import observe
from optimizer_app.common.processes import die_with_parent
from optimizer_app.jobs import UPKEEP

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings.worker")
# The checks load every page, 25 MB that no worker needs; `start`, `migrate` and CI run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

TRANSPORT_ALIASES["upliftsqlite"] = "optimizer_app.common.sqlite_broker:Transport"

RUNS_GIVE_WAY = 10  # optimizing must not slow the answers to calls, which the web process gives

app = Celery("uplift")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks(["optimizer_app", "analytics"])


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_everywhere(**_: object) -> None:
    """Celery would set up lines of its own; workers log as the web process does."""
    logging.config.dictConfig(settings.LOGGING)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _observe(**_: object) -> None:
    observe()


@task_prerun.connect  # type: ignore[untyped-decorator]
def _name_the_task(task: Any, task_id: str, kwargs: dict[str, Any], **_: object) -> None:
    ids = {name: value for name, value in kwargs.items() if name.endswith("_id")}
    asked_by = getattr(task.request, "asked_by", None) or ""
    told = {"task": task.name, "task_id": task_id} | ids | ({"request_id": asked_by} if asked_by else {})
    task.request.log_context = stack = ExitStack()
    stack.enter_context(log_context(**told))


@task_postrun.connect  # type: ignore[untyped-decorator]
def _task_is_over(task: Any, **_: object) -> None:
    stack: ExitStack | None = getattr(task.request, "log_context", None)
    if stack is not None:
        stack.close()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _upkeep_keeps_the_schedule(sender: Any, **_: object) -> None:
    """In a thread: Celery's own --beat is a process of 100 MB more. Several do no harm, each job claims its work."""
    if UPKEEP in sender.app.amqp.queues.consume_from:
        EmbeddedService(app, thread=True, scheduler_cls=Scheduler).start()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _leave_no_orphan(**_: object) -> None:
    """A pool process must not outlive its killed worker: another worker would resume the same run beside it."""
    die_with_parent(signal.SIGKILL)
    os.nice(RUNS_GIVE_WAY)
    observe()  # its connections did not survive the fork
