"""Rates and addresses of callers."""

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import AuditEvent
from optimizer_app.services.tokens import token_create

pytestmark = pytest.mark.django_db


def sign_in(client: Client, name: str = "nobody", **more: Any) -> int:
    return client.post("/login/", {"username": name, "password": "wrong"}, **more).status_code


def test_an_address_is_told_to_wait_before_a_password_is_looked_at(settings: Settings) -> None:
    settings.SIGN_IN_RATE = 10
    statuses = Counter(sign_in(Client(), f"n{number}") for number in range(25))
    assert statuses == {200: 10, 429: 15} or statuses == {200: 20, 429: 5}  # where a minute ends in between

    answer = Client().post("/login/", {}, REMOTE_ADDR="192.0.2.9")
    assert answer.status_code == 200
    told = Client().post("/login/", {})
    assert 0 < int(told.headers["Retry-After"]) <= 60


def test_a_token_is_told_to_wait_and_others_are_not(settings: Settings) -> None:
    settings.INGEST_RATE = 3
    _, one = token_create(by=SYSTEM, name="one", scopes=["record"])
    _, two = token_create(by=SYSTEM, name="two", scopes=["record"])

    def send(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return Client().post("/api/v1/executions", "[]", content_type="application/json", headers=headers).status_code

    assert 429 in [send(one) for _ in range(8)]
    assert send(two) == 200


def test_the_address_behind_proxies_is_the_one_that_our_proxy_saw(settings: Settings) -> None:
    settings.SIGN_IN_RATE = 5
    settings.PROXIES = 1
    forged = [sign_in(Client(), headers={"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1"}) for n in range(16)]
    assert 429 in forged
    assert sign_in(Client(), headers={"X-Forwarded-For": "192.0.2.2"}) == 200

    settings.PROXIES = 0
    others = [sign_in(Client(), headers={"X-Forwarded-For": f"10.0.0.{n}"}, REMOTE_ADDR="192.0.2.3") for n in range(16)]
    assert 429 in others


def test_five_wrong_passwords_lock_and_are_recorded(settings: Settings) -> None:
    settings.AXES_ENABLED = True
    User.objects.create_user("ada", password="right horse")
    for _ in range(5):
        sign_in(Client(), "ada")
    answer = Client().post("/login/", {"username": "ada", "password": "right horse"})
    assert answer.status_code == 429
    assert b"Sign-in is paused" in answer.content
    assert {event.object_name for event in AuditEvent.objects.filter(verb="sign_in.lock")} == {"ada"}


def test_every_answer_has_its_security_headers() -> None:
    answer = Client().get("/login/")
    told = {name: answer.headers[name] for name in (
        "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy", "Cache-Control",
    )}  # fmt: skip
    assert told == {
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    }
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "camera=()" in answer.headers["Permissions-Policy"]
