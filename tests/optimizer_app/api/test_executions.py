"""Ingest over HTTP: bodies of every form, bad ones refused with the reason, nothing half-written."""

import gzip
import json
import tracemalloc
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from optimizer_app.api import executions as endpoint
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, Feedback, Worker
from optimizer_app.services.ingest import MOST_BYTES, TooLarge, body_of
from optimizer_app.services.tokens import token_create
from tests.factories.executions import execution

pytestmark = pytest.mark.django_db
URL = "/api/v1/executions"
TEXT = {"content_type": "application/x-ndjson"}


@pytest.fixture
def send(db: None) -> Any:
    """POST with a token that may only record."""
    _, token = token_create(by=SYSTEM, name="sdk", scopes=["record"])
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)

    def post(body: Any, path: str = "", content_type: str = "application/json", **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(URL + path, raw, content_type=content_type, headers=headers or None)

    return post


def row(worker: Worker, **changes: Any) -> dict[str, Any]:
    values = {
        "id": str(uuid4()), "worker": worker.name, "started_at": "2026-11-01T12:00:00Z",
        "inputs": {"message": "my invoice", "n": 2**70}, "outputs": {"team": "K1"},
    }  # fmt: skip
    return values | changes


def test_every_form_of_a_body_is_understood(send: Any, worker: Worker) -> None:
    lines = b"\n".join(json.dumps(row(worker)).encode() for _ in range(3)) + b"\n"
    assert send([row(worker)]).json() == {"accepted": 1, "duplicates": 0, "errors": []}
    assert send({"executions": [row(worker), row(worker)]}).json()["accepted"] == 2
    assert send(lines, **TEXT).json()["accepted"] == 3
    assert send(gzip.compress(lines), **TEXT, **{"Content-Encoding": "gzip"}).json() == {
        "accepted": 0, "duplicates": 3, "errors": [],
    }  # fmt: skip
    assert Execution.objects.count() == 6


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (b"{", "", 400, "cannot be read"),
        (b"\xff\xfe", "", 400, "cannot be read"),
        (b'{"rows": []}', "", 400, "one key “executions”"),
        (b"[" * 200_000, "", 400, "cannot be read"),
        (b"[]", "br", 400, "br is not known"),
        (b"no gzip", "gzip", 400, "not gzip"),
        (gzip.compress(b"[]")[:-6], "gzip", 400, "ends in the middle"),
        (gzip.compress(b" " * (MOST_BYTES + 1)), "gzip", 413, "larger than 32 MB"),
        (b"[" + b"1," * 5000 + b"1]", "", 413, "at most 5,000"),
    ],
)
def test_bodies_that_are_none_are_refused_with_the_reason(
    send: Any, body: bytes, encoding: str, status: int, said: str
) -> None:
    response = send(body, **({"Content-Encoding": encoding} if encoding else {}))

    assert response.status_code == status
    assert said in response.json()["detail"]


def test_a_gzip_bomb_is_stopped_while_it_unpacks() -> None:
    bomb = gzip.compress(b" " * 5 * MOST_BYTES, compresslevel=1)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            body_of(bomb, "gzip")
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


def test_each_bad_row_is_named_and_the_others_are_stored(send: Any, worker: Worker) -> None:
    bad = row(worker, tokens_in=-1)
    rows = [row(worker), bad, 7, row(worker, extra=1), row(worker, inputs={"message": "a\0b"}), row(worker, score=2)]

    answer = send(rows).json()

    assert answer["accepted"] == 1
    assert [error["row"] for error in answer["errors"]] == [1, 2, 3, 4, 5]
    assert answer["errors"][0]["id"] == bad["id"]
    assert "tokens_in" in answer["errors"][0]["detail"]
    assert "zero character" in answer["errors"][3]["detail"]


def test_feedback_and_scores_reach_the_execution(send: Any, worker: Worker) -> None:
    stored = execution(worker)
    said = {"id": str(uuid4()), "execution_id": str(stored.uid), "score": 0.25, "comment": "mail a@b.example"}

    assert send([said, said], "/feedback").json() == {"accepted": 1, "duplicates": 1, "errors": []}
    assert send([said | {"id": str(uuid4())}], "/scores").json()["accepted"] == 1
    wrong = said | {"id": str(uuid4()), "corrected_output": {"team": "K9"}}
    missing = said | {"id": str(uuid4()), "execution_id": str(uuid4())}
    errors = send([wrong, missing], "/feedback").json()["errors"]

    assert "not one of the 3 allowed values" in errors[0]["detail"]
    assert "There is no execution" in errors[1]["detail"]
    stored.refresh_from_db()
    assert stored.score == 0.25
    feedback = Feedback.objects.order_by("id")
    assert [f.source for f in feedback] == ["user", "metric"]
    assert feedback[0].comment == "mail [EMAIL_1]"


def test_too_many_writers_are_asked_to_come_back(send: Any, worker: Worker) -> None:
    taken = [endpoint._writing.acquire(blocking=False) for _ in range(endpoint.WRITERS)]
    try:
        response = send([row(worker)])
    finally:
        for _ in filter(None, taken):
            endpoint._writing.release()

    assert (response.status_code, response["Retry-After"]) == (429, "1")
    assert not Execution.objects.exists()
    assert send([row(worker)]).json()["accepted"] == 1


def test_a_body_beyond_the_limit_is_refused(send: Any, worker: Worker, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = send([row(worker, inputs={"message": "x" * 2000})])

    assert response.status_code == 413
    assert "send fewer rows" in response.json()["detail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_of_a_row_is_stored_or_named(send: Any, worker: Worker, data: st.DataObject) -> None:
    before = Execution.objects.count()
    changed = row(worker)
    keys = [*changed, "tokens_in", "cost_usd", "metadata", "version", "score", "subject", "trace_id", "path", "error"]
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=3)):
        changed[key] = data.draw(JSON)

    response = send([changed])

    assert response.status_code in (200, 400), response.content
    answer = response.json()
    stored = Execution.objects.count() - before
    if response.status_code == 200:
        assert answer["accepted"] == stored
        assert answer["accepted"] + answer["duplicates"] + len(answer["errors"]) == 1
    else:
        assert stored == 0


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200),
    st.sampled_from(["", "gzip", "deflate"]),
    st.sampled_from(["application/json", "application/x-ndjson"]),
)
def test_any_bytes_are_answered(send: Any, raw: bytes, encoding: str, kind: str) -> None:
    response = send(raw, content_type=kind, **({"Content-Encoding": encoding} if encoding else {}))

    assert response.status_code in (200, 400, 413)
    assert not Execution.objects.exists()


def test_lists_are_paged_and_filtered(worker: Worker, signed_in: Any) -> None:
    for number in range(60):
        execution(worker, score=number / 60, metadata={"tenant": "north" if number % 2 else "south"})
    client = signed_in("viewer")

    first = client.get(URL, {"worker": worker.name}).json()
    second = client.get(URL, {"worker": worker.name, "after": first["next"]}).json()
    low = client.get(URL, {"score_to": 0.09}).json()
    north = client.get(URL, {"tag": "tenant=north", "score_to": 0.09}).json()

    assert (len(first["items"]), len(second["items"]), second["next"]) == (50, 10, None)
    assert len({item["id"] for item in first["items"] + second["items"]}) == 60
    assert (len(low["items"]), len(north["items"])) == (6, 3)
    one = client.get(f"{URL}/{first['items'][0]['id']}").json()
    assert one["outputs"] == {"team": "K1"}
    assert client.get(URL, {"after": "rubbish"}).status_code == 422
