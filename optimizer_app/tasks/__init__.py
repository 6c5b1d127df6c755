"""Celery tasks: ids in, one service call, no logic."""

from optimizer_app.tasks import follow_ups, maintenance, runs

__all__ = ["follow_ups", "maintenance", "runs"]
