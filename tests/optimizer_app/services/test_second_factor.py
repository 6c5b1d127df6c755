"""The second factor: what opens, what does not, and how often."""

import time
from datetime import timedelta

import pyotp
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from optimizer_app.common.access import Actor, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.models import AuditEvent, SecondFactor
from optimizer_app.services.people import person_create
from optimizer_app.services.second_factor import (
    second_factor_begin,
    second_factor_check,
    second_factor_confirm,
    second_factor_remove,
)
from tests.factories.workers import person

pytestmark = pytest.mark.django_db
LAST, NEXT = -30, 30


def code(factor: SecondFactor, seconds: int = 0) -> str:
    return pyotp.TOTP(factor.secret).at(int(time.time()) + seconds)


@pytest.fixture
def ada(admin: Actor) -> User:
    return person_create(by=admin, name="ada", role="admin", password="a long password of ada")[0]


@pytest.fixture
def myself(ada: User) -> Actor:
    return Actor("ada", "person", frozenset(), "127.0.0.1")


@pytest.fixture
def factor(ada: User, myself: Actor) -> SecondFactor:
    made = second_factor_begin(ada)
    made.recovery = second_factor_confirm(made, code(made, LAST), by=myself)
    return made


def signed_in_with_password() -> Client:
    client = Client()
    answer = client.post("/login/", {"username": "ada", "password": "a long password of ada", "next": "/"})
    assert answer.status_code == 302
    return client


def test_a_password_alone_opens_nothing_and_a_code_opens_all(factor: SecondFactor) -> None:
    client = signed_in_with_password()
    for address in ("/", "/account/", "/workers/", "/people/"):
        assert client.get(address).headers["Location"].startswith("/second-factor/?next=")
    assert client.get("/api/v1/workers").status_code == client.get("/metrics").status_code == 403

    assert client.post("/second-factor/", {"code": "000000", "next": "/runs/"}).status_code == 422
    assert client.get("/").status_code == 302
    answer = client.post("/second-factor/", {"code": code(factor), "next": "/runs/"})
    assert answer.headers["Location"] == "/runs/"
    assert client.get("/").status_code == client.get("/api/v1/workers").status_code == 200


def test_nobody_is_sent_elsewhere_after_the_code(factor: SecondFactor) -> None:
    answer = signed_in_with_password().post("/second-factor/", {"code": code(factor), "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_a_code_works_once(ada: User, myself: Actor, factor: SecondFactor) -> None:
    told = code(factor)
    second_factor_check(ada, told, by=myself)
    with pytest.raises(Refused, match="used already"):
        second_factor_check(ada, told, by=myself)
    second_factor_check(ada, code(factor, NEXT), by=myself)
    with pytest.raises(Refused, match="used already"):
        second_factor_check(ada, code(factor), by=myself)


@pytest.mark.parametrize("seconds", [-90, 90, 3600])
def test_codes_of_other_times_do_not_open(ada: User, myself: Actor, factor: SecondFactor, seconds: int) -> None:
    with pytest.raises(Refused, match="not the code of this moment"):
        second_factor_check(ada, code(factor, seconds), by=myself)


def test_recovery_codes_work_once_each_and_are_stored_as_hashes(ada: User, myself: Actor, factor: SecondFactor) -> None:
    stored = SecondFactor.objects.get().recovery
    assert len(factor.recovery) == len(stored) == 8
    assert not set(stored) & set(factor.recovery)
    second_factor_check(ada, factor.recovery[3].upper(), by=myself)
    with pytest.raises(Refused):
        second_factor_check(ada, factor.recovery[3], by=myself)
    assert AuditEvent.objects.get(verb="second_factor.recover").data == {"left": 7}


def test_after_five_wrong_codes_the_right_one_waits_too(ada: User, myself: Actor, factor: SecondFactor) -> None:
    for _ in range(5):
        with pytest.raises(Refused, match="not the code"):
            second_factor_check(ada, "123", by=myself)
    with pytest.raises(Refused, match="Too many"):
        second_factor_check(ada, code(factor), by=myself)
    assert AuditEvent.objects.filter(verb="second_factor.lock").count() == 1

    SecondFactor.objects.update(failed_at=timezone.now() - timedelta(minutes=16))
    second_factor_check(ada, code(factor), by=myself)


def test_what_is_not_confirmed_is_not_asked_for(ada: User, myself: Actor) -> None:
    made = second_factor_begin(ada)
    with pytest.raises(Refused, match="not the code"):
        second_factor_confirm(made, "123456", by=myself)
    assert signed_in_with_password().get("/").status_code == 200


def test_an_admin_helps_whoever_lost_the_device_and_nobody_else_does(ada: User, factor: SecondFactor) -> None:
    operator = Actor("operator", "person", frozenset(), "")
    with pytest.raises(NotAllowed, match="may not"):
        second_factor_remove(ada, by=operator)
    client = Client()
    client.force_login(person("admin"))
    client.post(f"/people/{ada.pk}/second-factor/")
    assert signed_in_with_password().get("/").status_code == 200
    assert AuditEvent.objects.filter(verb="second_factor.remove", object_name="ada").count() == 1


def test_removing_ones_own_takes_a_code(ada: User, factor: SecondFactor) -> None:
    client = signed_in_with_password()
    client.post("/second-factor/", {"code": code(factor)})
    client.post("/account/second-factor/off/", {"code": "1"})
    assert SecondFactor.objects.count() == 1
    client.post("/account/second-factor/off/", {"code": code(factor, NEXT)})
    assert SecondFactor.objects.count() == 0


@pytest.mark.parametrize(("wanted", "role", "due"), [
    ("optional", "admin", False), ("admins", "admin", True), ("admins", "operator", False),
    ("everybody", "viewer", True),
])  # fmt: skip
def test_where_it_is_a_duty_nothing_opens_before_it_is_set_up(
    settings: Settings, admin: Actor, wanted: str, role: str, due: bool
) -> None:
    settings.SECOND_FACTOR = wanted
    person_create(by=admin, name="ada", role=role, password="a long password of ada")
    client = signed_in_with_password()

    assert (client.get("/").status_code == 302) == due
    if due:
        assert client.get("/").headers["Location"] == "/account/"
        assert client.get("/api/v1/workers").status_code == 403
        assert b"Set one up to go on" in client.get("/account/").content
        client.get("/account/second-factor/")
        page = client.post("/account/second-factor/", {"code": code(SecondFactor.objects.get())})
        assert b"Recovery codes" in page.content
        assert client.get("/").status_code == 200


def test_signing_in_is_recorded(ada: User) -> None:
    signed_in_with_password()
    event = AuditEvent.objects.get(verb="sign_in")
    assert (event.actor, event.object_name, event.address, event.data) == (
        "ada",
        "ada",
        "127.0.0.1",
        {"way": "password"},
    )
