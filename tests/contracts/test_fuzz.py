"""The whole API under schemathesis, as every role, a program and a stranger in turn: no answer is a server error, and
what is refused changes nothing. UPLIFT_FUZZ asks each operation more often than the 12 times of every change.

Operations that call a language model are asked with a model that does not exist; runs are queued, not executed.
"""

import itertools
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from django.db import DatabaseError, transaction
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from optimizer_app.api_root import api
from optimizer_app.common.access import ROLES, SYSTEM, Capability
from optimizer_app.models import Dataset, Example, Execution, Feedback, LanguageModel
from optimizer_app.services.tokens import token_create
from tests.factories.executions import execution
from tests.factories.workers import frozen, routing_worker

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("UPLIFT_FUZZ", "12"))
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))


@pytest.fixture
def clients() -> Iterator[Client]:
    """A stranger, one of each role, a program with every right, again and again, in a world with one of most things."""
    LanguageModel.objects.update(model="openai/nothing", api_base="http://127.0.0.1:9/v1", retries=0, timeout_s=1)
    worker = routing_worker()
    frozen(worker)
    execution(worker)
    made = [Client(raise_request_exception=False)]
    for role, rights in {**ROLES, "program": frozenset(Capability)}.items():
        _, token = token_create(by=SYSTEM, name=role, scopes=list(rights))
        made.append(Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False))
    return itertools.cycle(made)


def counts() -> list[int]:
    return [model.objects.count() for model in (Execution, Example, Feedback, Dataset)]


@SCHEMA.parametrize()
@hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_operation_breaks(clients: Iterator[Client], case: "schemathesis.Case[Any]") -> None:
    asked: dict[str, Any] = case.as_transport_kwargs(base_url="http://testserver")
    for ours in ("timeout", "verify", "allow_redirects"):
        asked.pop(ours, None)
    try:
        request = requests.Request(**asked).prepare()
    except (requests.RequestException, UnicodeError, ValueError):
        return  # what no client could send
    before = counts()
    kind = str(request.headers.get("Content-Type", "application/json"))
    body = request.body or b""
    path = request.path_url.removeprefix("//")

    with transaction.atomic():
        response = next(clients).generic(request.method or "GET", path, body, content_type=kind)
        after = counts_if_possible()
        transaction.set_rollback(response.status_code >= 400)  # PostgreSQL goes on only after a rollback

    asks_a_model = case.path.endswith("/predict")
    assert response.status_code < 500 or (response.status_code == 502 and asks_a_model), response.content
    if response.status_code >= 400 and not asks_a_model:
        assert after in (before, None)


def counts_if_possible() -> list[int] | None:
    """None where the failed statement has ended the transaction, so that nothing of it can stay."""
    try:
        return counts()
    except DatabaseError:
        return None
