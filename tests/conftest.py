"""Fixtures that every test may use."""

import shutil
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright
from pytest_django import DjangoDbBlocker

from optimizer_app.common.access import ROLES, Actor
from optimizer_app.common.keyring import keyring_forget
from optimizer_app.models import Worker
from optimizer_app.sdk.registry import REGISTRY, Registry
from tests.factories import workers as worker_factory

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A loaded machine is no failure.
hypothesis_settings.register_profile("uplift", deadline=None)
hypothesis_settings.load_profile("uplift")


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Row ids come again in every test, and what is kept by them must not; nor keys that a test made."""
    cache.clear()
    yield
    keyring_forget()


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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that commit are cleaned up by deleting, which the audit log refuses. That it does is tested on
    installations of their own (test_audit), where nothing was taken away."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for statement in import_module("optimizer_app.migrations.0008_append_only").UNDO[connection.vendor][:2]:
            cursor.execute(statement)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (Debian package: chromium).")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()
