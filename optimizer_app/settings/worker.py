"""Settings of Celery's workers: without the shell and the API, which serve pages only and cost each worker 16 MB."""

from optimizer_app.settings import *  # noqa: F403 - all the others are the same

INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in {"unfold.apps.BasicAppConfig", "ninja"}]  # noqa: F405
