"""What happens every few seconds."""

from celery import shared_task

from optimizer_app import jobs
from optimizer_app.services.follow_ups import follow_ups_reap
from optimizer_app.services.imports import imports_reap
from optimizer_app.services.partitioning import partition_tidy
from optimizer_app.services.partitions import parts_analyze, parts_make
from optimizer_app.services.pulses import SCHEDULER, pulse
from optimizer_app.services.retention import retention_apply
from optimizer_app.services.run_execution import run_reap


@shared_task(name=jobs.TICK)
def tick() -> None:
    """Pick up runs whose worker died or whose message was lost. Several schedulers do no harm."""
    pulse(SCHEDULER)
    run_reap()
    follow_ups_reap()
    imports_reap()


@shared_task(name=jobs.RETENTION)
def retention() -> None:
    """Delete executions that are past their worker's limits, and make room for those of the next months."""
    retention_apply()
    partition_tidy()
    parts_make()
    parts_analyze()
