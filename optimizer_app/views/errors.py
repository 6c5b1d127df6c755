"""What people see when something is missing, forbidden or broken; programs get problem+json."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from optimizer_app.common.access import API_PATH
from optimizer_app.common.log_context import current_ids
from optimizer_app.common.problems import problem


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404, "There is nothing at this address.", "It may have been removed, or the link is wrong.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    detail = str(exception) or "Your account may not do this."
    return _error(request, 403, "This is not allowed.", detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 400, "The request could not be understood.", "Go back and try again.")


def broken(request: HttpRequest) -> HttpResponse:
    request_id = current_ids().get("request_id", "unknown")
    detail = (
        f"The error is in the server's log, under request {request_id}. Nothing was half saved: try again, or tell who "
        "runs Uplift this number."
    )
    return _error(request, 500, "Something went wrong on our side.", detail)


def _error(request: HttpRequest, status: int, headline: str, detail: str) -> HttpResponse:
    if request.path.startswith(API_PATH):
        return problem(status, f"{headline} {detail}")
    return render(request, "error.html", {"status": status, "headline": headline, "detail": detail}, status=status)
