"""The Django app, and the admin site that is the application's shell."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.exceptions import ImproperlyConfigured


class OptimizerAppConfig(AppConfig):
    """Workers, data, runs and versions."""

    name = "optimizer_app"
    verbose_name = "Uplift"

    def ready(self) -> None:
        from optimizer_app import celery  # noqa: F401 - `enqueue` sends through the current Celery app
        from optimizer_app.services import sign_ins  # noqa: F401 - listens to signals

        for name in settings.CODE_MODULES:
            try:
                import_module(name)
            except Exception as error:
                raise ImproperlyConfigured(
                    f"UPLIFT_CODE_MODULES: {name} cannot be imported ({type(error).__name__}: {error})."
                ) from error


class UpliftAdminConfig(SimpleAdminConfig):
    """django.contrib.admin with our site; its pages are loaded by `urls`, since workers need none of them."""

    default_site = "optimizer_app.common.shell.UpliftSite"
