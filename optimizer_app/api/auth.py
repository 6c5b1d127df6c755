"""Who calls the API: a token, or a signed-in person."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from optimizer_app.common.access import Actor
from optimizer_app.common.ninja import bearer_token
from optimizer_app.services.tokens import token_actor


class TokenAuth(HttpBearer):
    """`Authorization: Bearer upl_…`"""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        return token_actor(token, request.META.get("REMOTE_ADDR", ""))


def may_read_docs(request: HttpRequest) -> bool:
    """Whether a request for the API's documentation comes from someone known."""
    if request.user.is_authenticated:
        return True
    token = bearer_token(request)
    return bool(token) and token_actor(token, request.META.get("REMOTE_ADDR", "")) is not None
