"""The main job, from a fresh start to an optimized worker, as a person does it in the browser."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.installation import Installation

INTENTS = [
    "card_arrival", "card_delivery_estimate", "lost_or_stolen_card", "card_not_working", "declined_card_payment",
    "card_payment_not_recognised", "pending_card_payment", "cancel_transfer",
]  # fmt: skip
SHOTS = os.environ.get("UPLIFT_SHOTS")
RUN_MS = 120_000


def look(page: Page, name: str) -> None:
    """Keep a screenshot where UPLIFT_SHOTS says, in light, dark and narrow."""
    if not SHOTS:
        return
    page.wait_for_timeout(600)
    page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    page.evaluate("document.documentElement.classList.add('dark')")
    page.wait_for_timeout(400)
    page.screenshot(path=f"{SHOTS}/{name}-dark.png", full_page=True)
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size({"width": 400, "height": 860})
    page.wait_for_timeout(400)
    page.screenshot(path=f"{SHOTS}/{name}-narrow.png", full_page=True)
    page.set_viewport_size({"width": 1360, "height": 900})


def create_worker(page: Page) -> None:
    page.get_by_role("link", name="New worker").first.click()
    page.get_by_label("Name", exact=True).first.fill("Bank intent")
    page.get_by_label("Instructions").fill("Find the intent of the customer's message.")
    outputs = page.locator("[data-step] [data-rows]").first
    outputs.get_by_label("Name", exact=True).fill("demos!")
    outputs.get_by_label("Allowed values").fill("\n".join(INTENTS))
    look(page, "worker-new")
    page.get_by_role("button", name="Create the worker").click()
    expect(page.get_by_role("alert")).to_contain_text("a name starts with a letter")
    outputs.get_by_label("Name", exact=True).fill("intent")
    page.get_by_label("Metric").select_option("Exact match")
    page.get_by_role("button", name="Create the worker").click()
    expect(page.get_by_role("heading", name="Bank intent")).to_be_visible()
    look(page, "worker-fresh")


def import_dataset(page: Page, file: Path) -> None:
    page.get_by_role("link", name="New dataset").click()
    page.get_by_label("Name", exact=True).fill("Bank messages")
    page.get_by_role("button", name="Create the dataset").click()
    look(page, "dataset-empty")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and preview").click()
    page.get_by_label("intent").select_option("category")
    look(page, "import-map")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("label is not an allowed value")).to_be_visible(timeout=30_000)
    look(page, "imported")
    page.get_by_role("link", name="To the dataset").click()
    page.get_by_role("link", name="Freeze a version").click()
    look(page, "freeze")
    page.get_by_role("button", name="Freeze the version").click()
    expect(page.get_by_text("v1").first).to_be_visible()
    look(page, "dataset")


def launch_run(page: Page) -> None:
    page.get_by_role("link", name="Workers").first.click()
    page.get_by_role("link", name="Bank intent").click()
    page.get_by_role("link", name="Optimize", exact=True).first.click()
    page.get_by_role("radio", name=re.compile("^MIPROv2")).check()
    expect(page.get_by_label("Effort")).to_be_visible()
    page.get_by_role("radio", name=re.compile("RandomSearch")).check()
    expect(page.get_by_label("Random candidates")).to_be_visible()
    page.get_by_label("Random candidates").fill("5")
    page.get_by_label("Demos in all").fill("32")
    look(page, "launch")
    page.get_by_role("button", name="Launch the run").click()
    expect(page.locator("#live")).to_contain_text("program calls")
    if SHOTS:
        page.wait_for_timeout(4000)
        page.screenshot(path=f"{SHOTS}/live.png", full_page=True)
    expect(page.get_by_role("link", name="Before and after")).to_be_visible(timeout=RUN_MS)
    look(page, "run-finished")


def read_result(page: Page) -> int:
    page.get_by_role("link", name="Before and after").click()
    expect(page.get_by_text("The winner is better")).to_be_visible()
    expect(page.locator("[data-chart=interval] .main-svg").first).to_be_visible()
    look(page, "result")
    fixed = page.get_by_role("link", name=re.compile("fixed"))
    number = int(re.findall(r"\d+", fixed.inner_text())[0])
    assert number > 0
    fixed.click()
    expect(page.locator("tbody tr")).to_have_count(min(number, 20))
    look(page, "examples")
    page.get_by_role("link", name="▲ fixed").first.click()
    expect(page.get_by_role("heading", name="Expected")).to_be_visible()
    look(page, "example")
    return number


def promote_and_try(page: Page, installation: Installation) -> None:
    page.get_by_role("link", name="Before and after").click()
    page.get_by_role("button", name="Promote version 1").click()
    expect(page.get_by_text("Version 1").first).to_be_visible()
    look(page, "worker-promoted")
    page.get_by_role("link", name="Playground").click()
    page.get_by_label("text").fill("Where is the card I ordered two weeks ago? It has not arrived.")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    expect(page.get_by_role("heading", name="Baseline")).to_be_visible()
    look(page, "playground")
    assert predict_over_api(installation)["outputs"]["intent"] in INTENTS
    page.goto(f"{installation.url}/workers/1/")
    page.get_by_role("button", name="Roll back to version 0").click()
    expect(page.get_by_text("Version 0, the unoptimized baseline")).to_be_visible()
    expect(page.get_by_text("Rolled back: version 0")).to_be_visible()


def predict_over_api(installation: Installation) -> dict[str, dict[str, str]]:
    token = installation.command("create_token", "--name", "journey", "--scope", "predict")
    request = Request(
        f"{installation.url}/api/v1/workers/1/predict",
        data=json.dumps({"inputs": {"text": "My card has still not arrived"}}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as response:
        answer: dict[str, dict[str, str]] = json.load(response)
    return answer


def tell_the_story(installation: Installation, page: Page, file: Path) -> None:
    look(page, "overview-empty")
    create_worker(page)
    import_dataset(page, file)
    launch_run(page)
    read_result(page)
    promote_and_try(page, installation)
    page.goto(installation.url)
    expect(page.get_by_role("link", name="Bank intent")).to_be_visible()
    look(page, "overview")
    assert "whole" in installation.command("verify_audit")


@pytest.mark.journey
def test_story_on_the_embedded_default(
    install: Callable[..., Installation], sign_in: Callable[..., Page], banking77: Path
) -> None:
    installation = install(anew=True)

    tell_the_story(installation, sign_in(installation), banking77)


@pytest.mark.journey
def test_story_on_postgresql_and_redis(
    install: Callable[..., Installation],
    sign_in: Callable[..., Page],
    banking77: Path,
    postgres_url: str,
    redis_url: str,
) -> None:
    installation = install(environment={"DATABASE_URL": postgres_url, "BROKER_URL": redis_url})

    tell_the_story(installation, sign_in(installation), banking77)
