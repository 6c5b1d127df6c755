"""Fixtures that every test may use."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import settings as hypothesis_settings

from optimizer_app.common.access import ROLES, Actor
from optimizer_app.models import Worker
from optimizer_app.sdk.registry import REGISTRY, Registry
from tests.factories import workers as worker_factory

# A loaded machine is no failure.
hypothesis_settings.register_profile("uplift", deadline=None)
hypothesis_settings.load_profile("uplift")


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Row ids come again in every test, and what is kept by them must not."""
    cache.clear()


@pytest.fixture(autouse=True)
def no_broker(settings: object) -> Iterator[None]:
    """Messages go to a broker in memory; services are tested without a Celery worker."""
    from optimizer_app.celery import app

    before = app.conf.broker_url
    app.conf.broker_url = "memory://"
    yield
    app.conf.broker_url = before


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """What code registers during a test is forgotten after it."""
    for kept in fields(Registry):
        monkeypatch.setattr(REGISTRY, kept.name, dict(getattr(REGISTRY, kept.name)))
    return REGISTRY


def actor(role: str) -> Actor:
    """Someone with the rights of a role."""
    return Actor(name=role, kind="person", capabilities=ROLES[role], address="127.0.0.1")


@pytest.fixture
def operator() -> Actor:
    return actor("operator")


@pytest.fixture
def approver() -> Actor:
    return actor("approver")


@pytest.fixture
def admin() -> Actor:
    return actor("admin")


@pytest.fixture
def worker(db: None) -> Worker:
    """A worker that sorts short messages into three teams, with the built-in model."""
    return worker_factory.routing_worker()


@pytest.fixture
def signed_in(db: None) -> "SignIn":
    return SignIn()


class SignIn:
    """Clients signed in with a role."""

    def __call__(self, role: str) -> Client:
        person = worker_factory.person(role)
        client = Client()
        client.force_login(person)
        return client
