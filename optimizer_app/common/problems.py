"""Refusals of services, told as pages or as problem+json (RFC 9457)."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)


class Refused(Exception):  # noqa: N818 - not an error of the program but an answer
    """A change that a service refuses. `problems` are sentences for people; `fields` may place them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, *problems: str, fields: dict[str, list[str]] | None = None) -> None:
        self.fields = fields or {}
        self.problems = list(problems) or [text for texts in self.fields.values() for text in texts]
        super().__init__(" ".join(self.problems))


class Conflict(Refused):
    """The state of things does not allow the change now."""

    status = HTTPStatus.CONFLICT


def problem(status: int, detail: str, **more: Any) -> JsonResponse:
    """A problem+json response."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _refused(request: HttpRequest, problems: list[str], status: int) -> HttpResponse:
    return render(request, "refused.html", {"problems": problems}, status=status)


def refusals_as_pages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a Refused that no view handled, and what the database would not take, become pages that say why."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused):
            return _refused(request, exception.problems, exception.status)
        if isinstance(exception, (OverflowError, DataError)):
            said = "A number is larger than can be stored, or a text holds what cannot be."
            return _refused(request, [said], HTTPStatus.UNPROCESSABLE_ENTITY)
        if isinstance(exception, (OperationalError, InterfaceError)):
            logger.warning("The database did not answer: %s", str(exception).strip())
            said = "The database cannot be reached or is busy. Nothing was half saved: try again in a moment."
            return _refused(request, [said], HTTPStatus.SERVICE_UNAVAILABLE)
        return None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware
