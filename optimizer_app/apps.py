"""The Django app, and the admin site that is the application's shell."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class OptimizerAppConfig(AppConfig):
    """Workers, data, runs and versions."""

    name = "optimizer_app"
    verbose_name = "Uplift"

    def ready(self) -> None:
        from optimizer_app import celery  # noqa: F401 - `enqueue` sends through the current Celery app


class UpliftAdminConfig(AdminConfig):
    """django.contrib.admin with our site."""

    default_site = "optimizer_app.common.shell.UpliftSite"
