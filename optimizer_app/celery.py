"""The Celery app: `celery -A optimizer_app.celery worker`."""

import os
import signal

from celery import Celery
from celery.signals import beat_embedded_init, worker_process_init
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from optimizer_app.common.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")

TRANSPORT_ALIASES["upliftsqlite"] = "optimizer_app.common.sqlite_broker:Transport"

RUNS_GIVE_WAY = 10  # optimizing must not slow the answers to calls, which the web process gives

app = Celery("uplift")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks(["optimizer_app", "analytics"])


@beat_embedded_init.connect  # type: ignore[untyped-decorator]
def _beat_goes_with_its_worker(**_: object) -> None:
    die_with_parent(signal.SIGKILL)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _leave_no_orphan(**_: object) -> None:
    """A pool process must not outlive its killed worker: another worker would resume the same run beside it."""
    die_with_parent(signal.SIGKILL)
    os.nice(RUNS_GIVE_WAY)
