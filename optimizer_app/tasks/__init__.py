"""Celery tasks: ids in, one service call, no logic."""

from optimizer_app.tasks import datasets, follow_ups, maintenance, runs

__all__ = ["datasets", "follow_ups", "maintenance", "runs"]
