"""Whose address a request comes from, where proxies stand in front."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def real_addresses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: behind UPLIFT_PROXIES proxies the caller's address is that many places from the end of
    X-Forwarded-For. What lies further left the caller may have written himself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.PROXIES:
            told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
            if len(told) >= settings.PROXIES:
                request.META["REMOTE_ADDR"] = told[-settings.PROXIES][:45]
        return get_response(request)

    return middleware
