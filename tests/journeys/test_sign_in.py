"""Signing in as people do: through their organization's provider, with a phone, and ten thousand times at once."""

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import BadStatusLine, HTTPConnection
from urllib.error import URLError
from urllib.request import urlopen

import pyotp
import pytest
from playwright.sync_api import Browser, Page

from tests.journeys import identity_provider as provider
from tests.journeys.installation import ROOT, Installation, free_port

pytestmark = pytest.mark.journey
TRIES, SENDERS = 10_000, 50


@pytest.fixture
def sso(install: Callable[..., Installation]) -> Iterator[Installation]:
    """An installation and the provider it trusts, each in its own processes."""
    ours, theirs = free_port(), free_port()
    command = [sys.executable, "-m", provider.__name__, str(theirs), f"http://127.0.0.1:{ours}/oidc/callback/"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{theirs}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urlopen(f"{issuer}/.well-known/openid-configuration", timeout=2).close()
            break
        except (URLError, OSError):
            time.sleep(0.2)
    yield install(
        port=ours,
        environment={
            "UPLIFT_OIDC_ISSUER": issuer,
            "UPLIFT_OIDC_CLIENT_ID": provider.CLIENT,
            "UPLIFT_OIDC_CLIENT_SECRET": provider.SECRET,
            "UPLIFT_OIDC_ROLES": "uplift-admins=admin",
            "UPLIFT_OIDC_NAME": "Example Org",
        },
    )
    process.kill()
    process.wait()


def through_the_provider(browser: Browser, installation: Installation, name: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{installation.url}/workers/")
    page.get_by_role("link", name="Sign in with Example Org").click()
    page.locator("#login").fill(name)
    page.locator("#login").press("Enter")
    page.locator("#password").fill(provider.PASSWORD)
    page.locator("#password").press("Enter")
    page.wait_for_load_state()
    if page.get_by_role("button", name=re.compile("accept", re.IGNORECASE)).count():
        page.get_by_role("button", name=re.compile("accept", re.IGNORECASE)).click()
    page.wait_for_url(f"{installation.url}/**")
    page.wait_for_load_state()
    return page


def test_people_come_through_their_provider_with_the_role_that_it_gives(browser: Browser, sso: Installation) -> None:
    page = through_the_provider(browser, sso, "ada")
    assert page.url == f"{sso.url}/workers/"
    page.goto(f"{sso.url}/account/")
    assert page.get_by_text("Role: admin").count() == 1
    assert page.get_by_text("You sign in through your organization.").count() == 1
    page.goto(f"{sso.url}/audit/?q=ada")
    assert page.get_by_text("way: provider").count() == 1

    stranger = through_the_provider(browser, sso, "bob")
    assert stranger.get_by_text("has no role here").count() == 1
    assert "/login/" in stranger.url
    assert "bob" not in sso.command(
        "shell", "-v0", "-c", "from django.contrib.auth.models import User\nprint(*User.objects.all())"
    )


def test_a_phone_is_asked_for_its_code(browser: Browser, install: Callable[..., Installation]) -> None:
    installation = install()

    def with_password() -> Page:
        page = browser.new_context().new_page()
        page.goto(f"{installation.url}/runs/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(installation.password)
        page.get_by_role("button", name="Log in").click()
        return page

    page = with_password()
    page.goto(f"{installation.url}/account/")
    page.get_by_role("link", name="Set one up").click()
    secret = page.locator("[data-secret]").inner_text()
    assert page.get_by_alt_text("The key as a QR code").evaluate("img => img.naturalWidth") > 100
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Confirm").click()
    recovery = page.locator("[data-secret]").inner_text().split()
    assert len(recovery) == 8

    again = with_password()
    again.get_by_role("heading", name="Second factor").wait_for()
    again.get_by_label("Code").fill("000000")
    again.get_by_role("button", name="Sign in").click()
    assert again.get_by_role("alert").inner_text() == "This is not the code of this moment."
    again.get_by_label("Code").fill(recovery[0])
    again.get_by_role("button", name="Sign in").click()
    again.wait_for_url(f"{installation.url}/runs/")


class Guesser(threading.Thread):
    """Tries passwords over one connection, with a form's own token, and notes what it was told."""

    def __init__(self, installation: Installation, number: int) -> None:
        super().__init__()
        self.installation, self.number, self.told = installation, number, Counter[int]()

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.installation.port, timeout=60)
        connection.request("GET", "/login/")
        answer = connection.getresponse()
        page, cookie = answer.read().decode(), answer.headers["Set-Cookie"].partition(";")[0]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        for attempt in range(TRIES // SENDERS):
            name = "admin" if attempt % 2 else f"user{self.number}-{attempt}"
            body = f"csrfmiddlewaretoken={token[1]}&username={name}&password=guess{attempt}"
            self.told[self.status_of(connection, body, headers)] += 1

    def status_of(self, connection: HTTPConnection, body: str, headers: dict[str, str]) -> int:
        """A connection that the server closed meanwhile is opened again, as every client does."""
        while True:
            try:
                connection.request("POST", "/login/", body, headers)
                answer = connection.getresponse()
                answer.read()
                return answer.status
            except (ConnectionError, BadStatusLine):
                connection.close()


def test_ten_thousand_sign_ins_at_once_get_nobody_in_and_break_nothing(install: Callable[..., Installation]) -> None:
    installation = install()
    guessers = [Guesser(installation, number) for number in range(SENDERS)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()

    told = sum((guesser.told for guesser in guessers), Counter[int]())
    assert sum(told.values()) == TRIES
    assert set(told) <= {200, 429}, told
    assert installation.healthy()
    assert "Traceback" not in installation.log.read_text()
    assert "whole" in installation.command("verify_audit")
