"""The WSGI application."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from optimizer_app.common.observability import observe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optimizer_app.settings")

observe()  # before the middleware is loaded, which it adds to
application = get_wsgi_application()
# All pages are loaded now, and what is loaded is left out of garbage collection from here on: every tenth request or so
# waited 130 ms for a full collection.
get_resolver().url_patterns  # noqa: B018 - loads every view
gc.collect()
gc.freeze()
