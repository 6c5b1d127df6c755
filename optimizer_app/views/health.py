"""Health and readiness of the web process."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from optimizer_app.services.doctor import missing_migrations


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers and reaches the database, else 503: restart it, or look at the database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 once requests may be sent here: the database is reached and has every migration of this code, else 503."""
    try:
        if missing := _missing():
            return JsonResponse({"status": f"{missing} migrations are missing"}, status=503)
    except DatabaseError:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return healthz(request)


def _missing() -> int:
    """None are missing for good: a database does not lose its migrations while a process lives."""
    if not _complete:
        if missing := missing_migrations():
            return missing
        _complete.append(True)
    return 0


_complete: list[bool] = []
