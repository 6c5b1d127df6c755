"""Workers that live in Uplift's own process: the same decorator, no HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer_app import sdk
from optimizer_app.models import Execution, Feedback, Worker
from optimizer_app.sdk import collecting
from optimizer_app.services.in_process import InProcessTransport

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sdk.Collector]:
    monkeypatch.setattr(collecting, "_current", None)
    collector = sdk.configure(transport=InProcessTransport(), folder=tmp_path, refresh_s=0.1)
    yield collector
    collector.close(1)


def test_calls_and_feedback_are_stored_without_a_server(here: sdk.Collector) -> None:
    @sdk.dspy_worker("Local")
    def local(message: str) -> str:
        return message.upper()

    assert local("a@b.example") == "A@B.EXAMPLE"
    uid = sdk.last_execution()
    assert uid is not None
    sdk.feedback(uid, score=1.0)

    assert here.flush(10)
    assert Worker.objects.get(name="Local").active_version is not None
    assert Execution.objects.get(uid=uid).content.inputs == {"message": "[EMAIL_1]"}
    assert Feedback.objects.get().score == 1.0
    assert (here.refused, here.dropped, here.last_error) == (0, 0, "")
