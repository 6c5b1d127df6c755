"""What every line of the log says of where it came from: the request, the task, the run."""

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

_TOLD: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")  # anything else in the header is somebody's try to write into the log
_REQUESTS = logging.getLogger("uplift.requests")


@contextmanager
def log_context(**ids: object) -> Iterator[None]:
    """Every line logged within carries these ids, beside those of the contexts around it."""
    token = _TOLD.set(current_ids() | {name: str(value) for name, value in ids.items()})
    try:
        yield
    finally:
        _TOLD.reset(token)


def current_ids() -> dict[str, str]:
    """The ids that lines carry now."""
    return _TOLD.get() or {}


class Lines(logging.Formatter):
    """For people: one line, ids at its end."""

    def format(self, record: logging.LogRecord) -> str:
        told = " ".join(f"{name}={value}" for name, value in current_ids().items())
        return f"{super().format(record)} [{told}]" if told else super().format(record)


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | current_ids(), ensure_ascii=False)


def requests_told(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a request has an id, its caller's or a new one, in the log and in the answer; at INFO, a line
    each."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        began = time.perf_counter()
        with log_context(request_id=request_id):
            response = get_response(request)
            took_ms = 1000 * (time.perf_counter() - began)
            _REQUESTS.info("%s %s %s %.0f ms", request.method, request.path, response.status_code, took_ms)
        response["X-Request-ID"] = request_id
        return response

    return middleware
