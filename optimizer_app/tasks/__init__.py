"""Celery tasks: ids in, one service call, no logic."""

from optimizer_app.tasks import maintenance, runs

__all__ = ["maintenance", "runs"]
