"""Logging: one line per record on standard error."""

from typing import Any


def logging_settings(level: str) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        # axes announces itself at INFO in every process
        "loggers": {"axes": {"level": "WARNING"}, "django.server": {"handlers": ["stderr"], "propagate": False}},
    }
