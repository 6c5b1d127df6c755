"""The Django app."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Pages that measure."""

    name = "analytics"
