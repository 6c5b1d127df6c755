"""A server to send to, a language model to call, and a collector of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dspy
import pytest
from pytest_django.live_server_helper import LiveServer

from optimizer_app import sdk
from optimizer_app.common.access import SYSTEM
from optimizer_app.sdk import collecting
from optimizer_app.services.tokens import token_create
from tests.optimizer_app.engine.loopback import Server, serving


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins without a collector and leaves none behind."""
    monkeypatch.setattr(collecting, "_current", None)
    monkeypatch.setattr(collecting, "_silent", False)
    yield
    if collecting._current is not None:
        collecting._current.close(0)


@pytest.fixture
def connect(live_server: LiveServer, tmp_path: Path) -> Callable[..., sdk.Collector]:
    """Connect the process to the live server, with a token that may only record."""
    _, token = token_create(by=SYSTEM, name="sdk", scopes=["record"])

    def configure(**options: Any) -> sdk.Collector:
        values: dict[str, Any] = {
            "url": live_server.url,
            "token": token,
            "folder": tmp_path / "spool",
            "refresh_s": 0.1,
        }
        return sdk.configure(**(values | options))

    return configure


@pytest.fixture
def model() -> Iterator[Server]:
    """A language model over HTTP that the calls of a test use."""
    with serving() as server:
        lm = dspy.LM("openai/quick", api_base=server.url, api_key="k", cache=False)
        with dspy.context(lm=lm):
            yield server
