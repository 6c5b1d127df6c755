"""What a provider says is believed only where it is the right one, speaking to us, about the one who asked."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.exceptions import SuspiciousOperation
from django.test import Client
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from pytest_django.fixtures import Settings

from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.models import AuditEvent, Identity
from optimizer_app.services.identities import person_of_claims
from optimizer_app.services.people import person_create
from optimizer_app.views.single_sign_on import Backend

pytestmark = pytest.mark.django_db
ISSUER = "https://login.example.org"
GOOD = {"iss": ISSUER, "aud": "uplift", "sub": "1", "preferred_username": "ada", "groups": ["ops", "admins"]}


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> None:
    settings.SSO_ISSUER, settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = ISSUER, "uplift", "s"
    settings.SSO_ROLES, settings.SSO_DEFAULT_ROLE = {"ops": "operator", "admins": "admin"}, ""
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    cache.set(f"oidc:{ISSUER}", dict.fromkeys(names, f"{ISSUER}/x") | {"issuer": ISSUER})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"iss": "https://e.example"}, "another issuer"),
        ({"aud": "other"}, "another client"),
        ({"aud": []}, "client"),
    ],
)
def test_tokens_of_others_or_for_others_are_not_believed(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(OIDCAuthenticationBackend, "verify_token", lambda *_, **__: GOOD | change)
    with pytest.raises(SuspiciousOperation, match=said):
        Backend().verify_token("token")
    monkeypatch.setattr(OIDCAuthenticationBackend, "verify_token", lambda *_, **__: GOOD)
    assert Backend().verify_token("token") == GOOD


def test_the_strongest_role_wins_and_follows_the_claims() -> None:
    ada = person_of_claims(ISSUER, GOOD)
    person_create(by=SYSTEM, name="other", role="admin")
    assert [group.name for group in ada.groups.all()] == ["admin"]
    assert person_of_claims(ISSUER, GOOD | {"groups": "ops", "preferred_username": "renamed"}) == ada
    assert [group.name for group in ada.groups.all()] == ["operator"]
    assert AuditEvent.objects.filter(verb="person.update", object_name="ada").count() == 1


def test_a_local_account_of_the_same_name_is_not_taken_over() -> None:
    mine = User.objects.create_user("ada", password="x")
    mine.groups.add(Group.objects.get(name="admin"))
    newcomer = person_of_claims(ISSUER, GOOD | {"groups": ["ops"]})
    assert newcomer != mine
    assert newcomer.username == "ada@login.example.org"
    assert not newcomer.has_usable_password()
    assert Identity.objects.get().person == newcomer


@pytest.mark.parametrize("claims", [{"sub": "2", "groups": ["x"]}, {"groups": ["ops"]}, {"sub": "", "groups": "ops"}])
def test_without_a_role_or_an_id_nobody_comes_in(claims: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        person_of_claims(ISSUER, claims)
    assert User.objects.count() == 0


def test_a_provider_that_is_away_keeps_nobody_else_out(settings: Settings) -> None:
    cache.clear()
    settings.SSO_ISSUER = "http://127.0.0.1:9"
    User.objects.create_user("ada", password="a long one", is_staff=True).groups.add(Group.objects.get(name="viewer"))
    client = Client()
    assert client.get("/login/").status_code == 200
    assert client.post("/login/", {"username": "ada", "password": "a long one", "next": "/"}).status_code == 302
    assert client.get("/").status_code == 200
    answer = Client().get("/oidc/", follow=True)
    assert b"The identity provider does not answer" in answer.content
