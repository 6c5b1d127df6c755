"""Sign-in through an OpenID Connect provider: mozilla-django-oidc, with endpoints from discovery and stricter
checks."""

import logging
from typing import Any

import requests
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.generic import View
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from optimizer_app.common.problems import Refused
from optimizer_app.services.identities import person_of_claims

ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}
KEPT_S = 3600
AWAY = "The identity provider does not answer. Try again in a moment."
_LOG = logging.getLogger("uplift.sign_in")


def provider() -> dict[str, Any]:
    """What the issuer says of itself, kept for an hour. Raises requests.RequestException, SuspiciousOperation."""
    key = f"oidc:{settings.SSO_ISSUER}"
    told: dict[str, Any] | None = cache.get(key)
    if told is None:
        address = f"{settings.SSO_ISSUER}/.well-known/openid-configuration"
        answer = requests.get(address, timeout=settings.OIDC_TIMEOUT)
        answer.raise_for_status()
        told = answer.json()
        if str(told.get("issuer", "")).rstrip("/") != settings.SSO_ISSUER:
            raise SuspiciousOperation(f"{address} speaks of another issuer, {told.get('issuer')}.")
        cache.set(key, told, KEPT_S)
    return told


class _Discovered:
    """Endpoints come from the provider, the rest from our settings."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        return provider()[ENDPOINTS[attr]] if attr in ENDPOINTS else import_from_settings(attr, *args)


class Backend(_Discovered, OIDCAuthenticationBackend):  # type: ignore[misc]
    """Believes a token that this provider signed, for this client, in answer to this sign-in."""

    def __init__(self) -> None:
        """Django makes one for every request that asks who is signed in: the provider is not asked here, so that people
        who are signed in, and those with passwords, do without it when it is away."""
        self.UserModel = User

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        if not settings.SSO_ISSUER or "nonce" not in kwargs:
            return None
        super().__init__()
        found: User | None = super().authenticate(request, **kwargs)
        return found

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """The library checks signature, expiry and nonce, but not who signed for whom."""
        claims: dict[str, Any] = super().verify_token(token, **kwargs)
        audience = claims.get("aud", [])
        if str(claims.get("iss", "")).rstrip("/") != settings.SSO_ISSUER:
            raise SuspiciousOperation("The token is from another issuer.")
        if settings.OIDC_RP_CLIENT_ID not in (audience if isinstance(audience, list) else [audience]):
            raise SuspiciousOperation("The token is for another client.")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        claims = self.get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload.get("sub"):
            raise SuspiciousOperation("The provider speaks of two people.")
        return person_of_claims(settings.SSO_ISSUER, payload | claims)


class Begin(_Discovered, OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Sends the browser to the provider."""

    def __init__(self, **kwargs: Any) -> None:
        View.__init__(self, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.SSO_ISSUER:
            raise Http404
        try:
            super().__init__()
        except requests.RequestException:
            messages.error(request, AWAY)
            return redirect(settings.LOGIN_REDIRECT_URL_FAILURE)
        answer: HttpResponse = super().get(request)
        return answer


class Callback(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where the provider sends it back to."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.SSO_ISSUER:
            raise Http404
        try:
            answer: HttpResponse = super().get(request)
        except Refused as refused:
            messages.error(request, str(refused))
        except SuspiciousOperation as doubt:
            _LOG.warning("A sign-in was refused: %s", doubt)
            messages.error(request, f"The provider's answer was not believed: {doubt}")
        except requests.RequestException:
            messages.error(request, AWAY)
        else:
            return answer
        failed: HttpResponse = self.login_failure()
        return failed
