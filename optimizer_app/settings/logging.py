"""Logging: one line per record on standard error, for people or as JSON for programs."""

from typing import Any

FORMATS = {"line": "Lines", "json": "JsonLines"}


def logging_settings(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING."""
    formatter = {
        "()": f"optimizer_app.common.log_context.{FORMATS[form]}",
        "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"told": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "told"}},
        "root": {"handlers": ["stderr"], "level": level},
        # axes announces itself at INFO in every process
        "loggers": {"axes": {"level": "WARNING"}, "django.server": {"handlers": ["stderr"], "propagate": False}},
    }
