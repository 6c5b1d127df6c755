"""How often something may be done: counts in windows of a minute, in the cache."""

import hashlib
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from optimizer_app.common.problems import problem

WINDOW_S = 60
SIGN_IN = ("/login/", "/second-factor/", "/oidc/callback/")
INGEST = ("/api/v1/executions", "/v1/traces")


def wait_s(what: str, who: str, most: int) -> int:
    """0 if `who` may do it now (it is counted), else the seconds until the next window. `most` a minute; 0: no limit.

    Counted per process where CACHE_URL is not set, so that n web processes let n times as much through.
    """
    if not most:
        return 0
    now = time.time()
    key = f"rate:{what}:{hashlib.sha256(who.encode()).hexdigest()}:{int(now // WINDOW_S)}"
    cache.add(key, 0, 2 * WINDOW_S)
    try:
        count = cache.incr(key)
    except ValueError:  # dropped between the two, because the cache is full
        return 0
    return 0 if count <= most else WINDOW_S - int(now % WINDOW_S)


def rates_kept(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: sign-in by address and ingest by token, before either costs anything."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return get_response(request)
        if request.path.startswith(SIGN_IN):
            if wait := wait_s("sign-in", request.META.get("REMOTE_ADDR", ""), settings.SIGN_IN_RATE):
                return _told(render(request, "slow_down.html", {"wait": wait}, status=429), wait)
        elif request.path.startswith(INGEST):
            who = request.headers.get("Authorization", "") or request.META.get("REMOTE_ADDR", "")
            if wait := wait_s("ingest", who, settings.INGEST_RATE):
                detail = f"More than {settings.INGEST_RATE} requests a minute with one token. Send more rows in each."
                return _told(problem(429, detail), wait)
        return get_response(request)

    return middleware


def _told(response: HttpResponse, wait: int) -> HttpResponse:
    response["Retry-After"] = str(wait)
    return response
