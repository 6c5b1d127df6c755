"""The main story over the API, and how its errors look."""

import json
from typing import Any

import pytest
from django.test import Client

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import LanguageModel, Metric
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.tokens import token_create
from tests.factories.workers import routing_program, routing_rows

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


class Api:
    """A client with a token; every refusal must be problem+json."""

    def __init__(self, *scopes: str) -> None:
        _, text = token_create(by=SYSTEM, name="test", scopes=list(scopes))
        self.headers = {"Authorization": f"Bearer {text}"}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = Client().generic(
            method, f"/api/v1{path}", "" if body is None else json.dumps(body), "application/json",
            headers=self.headers,
        )  # fmt: skip
        assert response.status_code == status, response.content
        if status >= 400 and status != 502:
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["status"] == status
        return response.json()


@pytest.fixture
def api() -> Api:
    return Api("read", "predict", "operate", "approve", "admin")


def worker_body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Routing",
        "program": routing_program(),
        "language_model_id": LanguageModel.objects.get().pk,
        "metric_id": Metric.objects.get(name="Exact match").pk,
    } | changes


def test_create_optimize_promote_predict_roll_back(api: Api) -> None:
    worker = api("POST", "/workers", worker_body(), 201)
    dataset = api("POST", "/datasets", {"name": "D", "worker_id": worker["id"]}, 201)
    rows = [*routing_rows(), {"message": "", "team": "K1"}]
    added = api("POST", f"/datasets/{dataset['id']}/examples", {"rows": rows}, 201)
    assert (added["added"], added["error_count"]) == (120, 1)
    version = api("POST", f"/datasets/{dataset['id']}/versions", {"stratify_by": "team"}, 201)
    assert sum(version["counts"].values()) == 120
    body = {
        "worker_id": worker["id"], "dataset_version_id": version["id"], "optimizer": "LabeledFewShot",
        "parameters": {"k": 40},
    }  # fmt: skip
    run = api("POST", "/runs", body, 201)
    assert run["status"] == "queued"

    run_execute(run["id"])

    run = api("GET", f"/runs/{run['id']}")
    assert run["finish_reason"] == "improved"
    assert run["comparison"]["n"] == version["counts"]["test"]
    promotion = api("POST", f"/versions/{run['winner_id']}/promote", {"reason": "better"}, 201)
    assert promotion["kind"] == "promotion"
    answer = api("POST", f"/workers/{worker['id']}/predict", {"inputs": {"message": "my invoice and payment"}})
    assert answer["outputs"] == {"team": "K1"}
    assert answer["version_id"] == run["winner_id"]
    assert answer["cost_usd"] == 0
    api("POST", f"/workers/{worker['id']}/rollback", {}, 201)
    assert api("GET", f"/workers/{worker['id']}")["active_version_id"] != run["winner_id"]
    api("POST", f"/runs/{run['id']}/stop", status=409)
    assert api("GET", f"/workers/{worker['id']}/versions")["count"] == 2


def test_problems_name_the_field(api: Api) -> None:
    problem = api("POST", "/workers", worker_body(program=routing_program(inputs=[{"name": "demos"}])), 422)
    assert "demos" in problem["fields"]["program"][0]
    problem = api("POST", "/workers", {"name": 5}, 422)
    assert any("program" in place for place in problem["fields"])
    api("GET", "/workers/999", status=404)
    api("GET", "/nothing", status=404)
    problem = api("POST", "/language-models", {"name": "x", "model": "no-provider"}, 422)
    assert "model" in problem["fields"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "a', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": "a\\u0000b", "kind": "exact_match"}', 400),
        (b"[]", 422),
        (b'"x"', 422),
        (b"", 422),
        (b"[" * 5000, 400),
    ],
)
def test_bodies_that_are_not_json_are_refused(api: Api, body: bytes, status: int) -> None:
    response = Client().generic("POST", "/api/v1/metrics", body, "application/json", headers=api.headers)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["detail"] not in ("", "Cannot parse request body")


@pytest.mark.parametrize("path", ["/workers/99999999999999999999", "/runs/-1", "/runs/abc", "/workers?limit=-1"])
def test_odd_addresses_are_refused(api: Api, path: str) -> None:
    response = Client().get(f"/api/v1{path}", headers=api.headers)

    assert response.status_code in (404, 422)


def test_bad_inputs_to_predict_are_refused_before_a_call(api: Api) -> None:
    worker = api("POST", "/workers", worker_body(), 201)
    for inputs in ({}, {"message": ""}, {"message": "x", "extra": 1}):
        api("POST", f"/workers/{worker['id']}/predict", {"inputs": inputs}, 422)
    api("POST", f"/workers/{worker['id']}/predict", {"inputs": {"message": "x"}, "version_id": 999}, 404)


def test_keys_never_come_out(api: Api) -> None:
    body = {"name": "M", "model": "openai/x", "api_key": "sk-very-secret"}
    created = api("POST", "/language-models", body, 201)
    listed = api("GET", "/language-models")

    assert "sk-very-secret" not in str(created) + str(listed)
