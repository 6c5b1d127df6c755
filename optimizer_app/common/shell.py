"""The one admin site: Uplift's shell, with lists under the names of their nouns."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path
from unfold.sites import UnfoldAdminSite

NOUNS = {
    "worker": "workers",
    "dataset": "datasets",
    "metric": "metrics",
    "run": "runs",
    "batch": "batches",
    "programversion": "versions",
    "languagemodel": "models",
    "apitoken": "tokens",
    "auditevent": "audit",
    "user": "people",
}


class UpliftSite(UnfoldAdminSite):
    """Lists live at /workers/, /runs/ and so on; the front page is the overview."""

    site_title = site_header = "Uplift"
    final_catch_all_view = False

    def get_urls(self) -> list[Any]:
        lists = [
            path(f"{NOUNS[model._meta.model_name or '']}/", include(model_admin.urls))
            for model, model_admin in self._registry.items()
            if model._meta.model_name in NOUNS
        ]
        inherited: list[Any] = super().get_urls()
        return inherited + lists

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        sso = {"sso": settings.SSO_NAME if settings.SSO_ISSUER else ""}
        answer: HttpResponse = super().login(request, sso | (extra_context or {}))
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("analytics:overview")
