"""Celery: the embedded SQLite broker, or Redis or RabbitMQ by BROKER_URL."""

from pathlib import Path
from typing import Any

from optimizer_app import jobs

EMBEDDED_BROKER = "upliftsqlite://localhost"  # the alias is made in optimizer_app/celery.py
TICK_SECONDS = 5
STATS_SECONDS = 3
REPORTS_SECONDS = 60
DELIVERIES_SECONDS = 5
TRIGGERS_SECONDS = 15
WATCH_SECONDS = 60
QUEUES = {
    jobs.UPKEEP: (jobs.TICK, jobs.TRIGGERS, jobs.WATCH, jobs.RETENTION),
    jobs.STATISTICS: (jobs.STATS, jobs.STATS_FORGET),
    jobs.ALERTS: (jobs.DELIVERIES, jobs.INCIDENT, jobs.REPORTS),
}
RETENTION_SECONDS = 1800
PROCESS_KB = 140_000


def celery_settings(broker_url: str, data_dir: Path) -> dict[str, Any]:
    """Settings with Celery's own names. Run rows, not messages, are the truth: see services/run_execution.py."""
    options: dict[str, Any] = {}
    if not broker_url:
        options = {"path": str(data_dir / "broker.sqlite3"), "polling_interval": 0.2}
    elif broker_url.startswith("redis"):
        # Longer than any run: Redis would otherwise hand a running task to a second worker.
        options = {"visibility_timeout": 24 * 3600}
    return {
        "broker_url": broker_url or EMBEDDED_BROKER,
        "broker_transport_options": options,
        "broker_connection_retry_on_startup": True,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_default_queue": jobs.RUNS,
        "task_routes": {job: {"queue": queue} for queue, routed in QUEUES.items() for job in routed},
        "worker_prefetch_multiplier": 1,
        "worker_autoscaler": "optimizer_app.common.pool:PoolFromNothing",
        "worker_hijack_root_logger": False,
        # A process that loaded DSPy and ran is replaced by a fork of 30 MB; the next run pays 3 s for loading it again.
        "worker_max_memory_per_child": PROCESS_KB,
        "timezone": "UTC",
        "beat_schedule": {
            "retention": {
                "task": jobs.RETENTION,
                "schedule": RETENTION_SECONDS,
                "options": {"expires": RETENTION_SECONDS},
            },
            "tick": {"task": jobs.TICK, "schedule": TICK_SECONDS, "options": {"expires": TICK_SECONDS}},
            "stats": {"task": jobs.STATS, "schedule": STATS_SECONDS, "options": {"expires": STATS_SECONDS}},
            "deliveries": {
                "task": jobs.DELIVERIES,
                "schedule": DELIVERIES_SECONDS,
                "options": {"expires": DELIVERIES_SECONDS},
            },
            "triggers": {"task": jobs.TRIGGERS, "schedule": TRIGGERS_SECONDS, "options": {"expires": TRIGGERS_SECONDS}},
            "watch": {"task": jobs.WATCH, "schedule": WATCH_SECONDS, "options": {"expires": WATCH_SECONDS}},
            "reports": {"task": jobs.REPORTS, "schedule": REPORTS_SECONDS, "options": {"expires": REPORTS_SECONDS}},
            "stats-forget": {
                "task": jobs.STATS_FORGET,
                "schedule": RETENTION_SECONDS,
                "options": {"expires": RETENTION_SECONDS},
            },
        },
    }
