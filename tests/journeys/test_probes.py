"""No text that anybody stored runs as a script in anybody's browser."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.contracts.rights import POSTED
from tests.journeys.installation import Installation

pytestmark = pytest.mark.journey
SCRIPT = "from tests.contracts.probes import planted; print(planted())"


def test_stored_text_is_shown_and_never_runs(
    install: Callable[..., Installation], sign_in: Callable[..., Page]
) -> None:
    installation = install()
    told = json.loads(installation.command("shell", "-v0", "-c", SCRIPT).splitlines()[-1])
    assert told["columns"] >= 15
    page = sign_in(installation)
    struck, shown = [], 0
    for name, url in told["pages"].items():
        asked = page.request.get(f"{installation.url}{url}")
        assert asked.status < 500, name
        if name in POSTED or asked.status != 200 or "<html" not in asked.text():
            continue  # no page of its own
        page.goto(f"{installation.url}{url}", wait_until="load")
        shown += "onerror=window.struck" in page.locator("body").inner_text()
        if page.evaluate("window.struck") or page.locator('img[src="x"]').count():
            struck.append(name)
    assert not struck
    assert shown >= 10, "the probes were on few pages; this proves little"
