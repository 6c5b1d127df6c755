"""The whole loop: a worker slips, Uplift notices, optimizes, judges, promotes and goes on; or says it did not help."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey


def test_a_decline_is_repaired_by_itself_while_a_person_watches(
    install: Callable[..., Installation], sign_in: Callable[..., Page]
) -> None:
    installation = install()
    said = installation.command("demo_loop")

    assert "Webhook: Loop" in said
    assert "score fell" in said
    assert "5. Promoted" in said
    assert "is resolved" in said
    page = sign_in(installation)
    worker = page.get_by_role("link", name="Loop").first
    worker.click()
    page.get_by_role("link", name="Measures").click()
    page.get_by_role("heading", name="What happened").wait_for()
    assert page.get_by_text("Promoted").count() >= 2
    assert page.get_by_text("score fell").count() >= 1
    page.get_by_role("link", name="Triggers").click()
    assert page.get_by_text("Run started").count() == 1
    assert page.get_by_text("passed every check").count() == 1
    page.get_by_role("link", name="Value").first.click()
    page.goto(f"{installation.url}/incidents/?all=1")
    assert page.get_by_text("resolved").count() >= 1


def test_where_nothing_helps_nothing_is_promoted(install: Callable[..., Installation]) -> None:
    said = install().command("demo_loop", "--hopeless")

    assert "score fell" in said
    assert "Kept the active version" in said
    assert "stays open for a person" in said
