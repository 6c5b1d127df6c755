"""What every endpoint shares: who calls, how errors look."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import msgspec
from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.pagination import LimitOffsetPagination
from ninja.parser import Parser
from ninja.security import SessionAuth

from optimizer_app.common.access import Actor, actor_of
from optimizer_app.common.problems import Refused, problem

logger = logging.getLogger(__name__)
PAGE, MOST_ON_A_PAGE = 100, 1_000


class StrictParser(Parser):
    """JSON as the standard has it: no NaN, no Infinity, no broken UTF-8; and no zero characters, which
    PostgreSQL cannot store. What is wrong is left on the request: ninja hides a parser's own words."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        try:
            if rb"\u0000" in request.body:
                raise ValueError("a text holds a zero character, \\u0000")
            body: dict[str, Any] = msgspec.json.decode(request.body)
        except (ValueError, RecursionError) as error:
            vars(request)["unreadable"] = f"The body cannot be read: {error}."
            raise
        return body


class Pages(LimitOffsetPagination):
    """Lists by limit and offset, within what a database can count to."""

    class Input(Schema):
        limit: int = Field(PAGE, ge=1, le=MOST_ON_A_PAGE)
        offset: int = Field(0, ge=0, le=1_000_000_000)


class PersonAuth(SessionAuth):
    """The signed-in person; unsafe methods need the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        return actor_of(request) if request.user.is_authenticated else None


def caller(request: HttpRequest) -> Actor:
    """The authenticated actor of an API request."""
    return cast(Actor, request.auth)  # type: ignore[attr-defined]


def bearer_token(request: HttpRequest) -> str:
    """The token of the Authorization header, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def documented(authenticate: Callable[[HttpRequest], bool]) -> Callable[[Callable[..., HttpResponse]], Any]:
    """A decorator for the API's documentation pages: signed-in people and valid tokens only."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not authenticate(request):
                return problem(401, "Sign in, or send a token: Authorization: Bearer upl_…")
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def use_problems(api: NinjaAPI) -> None:
    """Answer every error as problem+json."""

    @api.exception_handler(Refused)
    def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
        return problem(error.status, str(error), problems=error.problems, fields=error.fields)

    @api.exception_handler(PermissionDenied)
    def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return problem(403, str(error) or "Not allowed.")

    @api.exception_handler(AuthenticationError)
    def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "Sign in, or send a token: Authorization: Bearer upl_…")

    @api.exception_handler(Http404)
    def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(404, "There is nothing with this id.")

    @api.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        fields: dict[str, list[str]] = {}
        for item in error.errors:
            place = ".".join(str(part) for part in item["loc"][1:]) or "body"
            fields.setdefault(place, []).append(item["msg"])
        detail = "; ".join(f"{place}: {' '.join(texts)}" for place, texts in fields.items())
        return problem(422, detail, fields=fields)

    @api.exception_handler(OverflowError)
    @api.exception_handler(DataError)
    def _too_large(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(422, "A number is larger than can be stored, or a text holds what cannot be.")

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def _away(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.warning("The database did not answer: %s", str(error).strip())
        response = problem(503, "The database cannot be reached or is busy. Send the request again.")
        response["Retry-After"] = "1"
        return response

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, getattr(request, "unreadable", str(error)))
