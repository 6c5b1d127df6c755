"""What every page shares: the shell around it, and the check of who may see it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from optimizer_app.common.access import Capability, actor_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def needs(capability: Capability) -> Callable[[View[P]], View[P]]:
    """A view for people who have the capability."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            actor_of(request).require(capability)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def page(request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any) -> HttpResponse:
    """A whole page inside the shell."""
    shell = admin.site.each_context(request)
    told = {"title": title, "actor": actor_of(request), "teams_on": settings.TEAMS}
    return render(request, template, shell | told | context, status=status)


def fragment(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """A part of a page, for htmx."""
    return render(request, template, {"actor": actor_of(request)} | context)
