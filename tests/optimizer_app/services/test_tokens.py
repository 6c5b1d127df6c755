"""API tokens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import ApiToken
from optimizer_app.services.tokens import token_actor, token_create, token_revoke

pytestmark = pytest.mark.django_db


def test_a_token_is_stored_hashed_and_opens_its_scopes(admin: Actor) -> None:
    token, text = token_create(by=admin, name="script", scopes=["read", "predict"])

    assert text not in str(ApiToken.objects.values().get())
    found = token_actor(text, "10.0.0.1")
    assert found is not None
    assert (found.name, found.kind, found.address) == ("script", "token", "10.0.0.1")
    assert found.capabilities == {Capability.READ, Capability.PREDICT}
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_wrong_expired_and_revoked_tokens_open_nothing(admin: Actor) -> None:
    token, text = token_create(by=admin, name="a", scopes=["read"])
    assert token_actor(text[:-1] + "x", "") is None
    assert token_actor("", "") is None
    assert token_actor("upl_", "") is None
    token_revoke(token, by=admin)
    assert token_actor(text, "") is None
    with pytest.raises(Conflict):
        token_revoke(token, by=admin)
    _, other = token_create(by=admin, name="b", scopes=["read"], expires_at=timezone.now() + timedelta(hours=1))
    ApiToken.objects.filter(name="b").update(expires_at=timezone.now())
    assert token_actor(other, "") is None


def test_bad_requests_are_refused(admin: Actor) -> None:
    for scopes in ([], ["everything"]):
        with pytest.raises(Refused):
            token_create(by=admin, name="x", scopes=scopes)
    with pytest.raises(Refused):
        token_create(by=admin, name="x", scopes=["read"], expires_at=timezone.now())
