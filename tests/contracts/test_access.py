"""Every page and every API operation, for every role and for strangers. A new one without an entry fails."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from analytics.models import Incident
from analytics.services.channels import channel_save
from analytics.services.evaluations import evaluations_import
from analytics.services.notes import note_add
from analytics.services.reports import link_make, report_plan
from analytics.services.silences import silence_make
from optimizer_app.api_root import api
from optimizer_app.common.access import ROLES, SYSTEM, Capability
from optimizer_app.models import ApiToken, Batch, DatasetImport, LanguageModel, Metric, Run, Worker
from optimizer_app.services.canaries import canary_start
from optimizer_app.services.imports import import_start
from optimizer_app.services.rules import rule_create
from optimizer_app.services.tokens import token_create
from tests.conftest import SignIn
from tests.contracts.rights import ARGUMENTS, BODIES, FORMS, LISTS, OPEN, OPERATIONS, PAGES, POSTED, QUERIES, SIGN_IN
from tests.factories.executions import execution
from tests.factories.workers import finished_run, person, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def world() -> dict[str, Any]:
    """One of everything, as the arguments that URLs and operations need."""
    run = finished_run(routing_worker())
    dataset = run.dataset_version.dataset
    token_create(by=SYSTEM, name="t", scopes=["read"])
    import_start(dataset, by=SYSTEM, file_name="a.csv", raw=b"message,team\nx,K1\n")
    rule = rule_create(run.worker, by=SYSTEM, name="r", dataset=dataset)
    stored = execution(run.worker)
    assert run.winner
    results = f'{{"example": "1", "variant": "{run.worker.name}", "score": 1}}'
    evaluations_import(run.worker, "results.jsonl", results.encode(), by=SYSTEM)
    link, secret = link_make(None, by=SYSTEM, days=1)
    plan = report_plan(None, by=SYSTEM, recipients=["a@b.example"], weekday=0, hour=8)
    return {
        "incident_id": Incident.objects.create(
            worker=run.worker,
            signal="success",
            noticed_at=timezone.now(),
            began_at=timezone.now(),
            evidence={"baseline": 0.9, "level": 0.7, "count": 40, "delta": 0.05, "promise": 1000, "scale": {}},
        ).pk,
        "change": "note",
        "silence_id": silence_make(
            by=SYSTEM, worker=None, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1), reason="r"
        ).pk,
        "canary_id": canary_start(run.winner, by=SYSTEM, share=0.2).pk,
        "channel_id": channel_save(
            None, by=SYSTEM, name="c", kind="email", worker=None, config={"addresses": ["a@b.example"]}
        ).pk,
        "link_id": link.pk,
        "secret": secret,
        "plan_id": plan.pk,
        "note_id": note_add(None, by=SYSTEM, at=timezone.now(), text="A release").pk,
        "execution_id": stored.uid,
        "uid": stored.uid,
        "rule_id": rule.pk,
        "kind": "csv",
        "item_id": dataset.review_items.get().pk,
        "worker_id": Worker.objects.get().pk,
        "worker_name": run.worker.name,
        "run_id": Run.objects.get().pk,
        "version_id": run.winner_id,
        "dataset_id": dataset.pk,
        "import_id": DatasetImport.objects.get().pk,
        "metric_id": Metric.objects.all()[0].pk,
        "model_id": LanguageModel.objects.get().pk,
        "token_id": ApiToken.objects.get().pk,
        "person_id": person("viewer").pk,
        "dataset_version_id": run.dataset_version_id,
        "number": run.candidates.all()[0].number,
        "batch_id": Batch.objects.create(name="b", kind="batch", at_once=1, requested_by="x").pk,
        "score_id": run.comparison.after.scores.all()[0].pk,
        "example_id": run.comparison.after.scores.all()[0].example_id,
    }


def routes(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry, entry.namespace or namespace)
        else:
            yield f"{namespace}:{entry.name}", entry


def our_routes() -> dict[str, URLPattern]:
    found = dict(routes(get_resolver()))
    return {name: route for name, route in found.items() if name.startswith(("optimizer:", "analytics:"))}


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    schema = api.get_openapi_schema()
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_every_page_has_an_entry() -> None:
    assert our_routes().keys() == PAGES.keys()


def test_every_operation_has_an_entry() -> None:
    assert operations().keys() == OPERATIONS.keys()


def address(name: str, world: dict[str, Any]) -> str:
    names = our_routes()[name].pattern.converters
    asked = QUERIES.get(name, "").format(**world)
    told = world | ARGUMENTS.get(name, {})
    return reverse(name, kwargs={key: told[key] for key in names}) + asked


def test_pages_open_to_those_who_may_and_to_nobody_else(world: dict[str, Any], signed_in: SignIn) -> None:
    wrong = []
    for role, capabilities in ROLES.items():
        client = signed_in(role)
        for name, capability in PAGES.items():
            url = address(name, world)
            if (capability in capabilities and name in POSTED) or name in SIGN_IN:
                continue  # what these change is tested elsewhere; here only that others may not
            response = client.post(url) if name in POSTED else client.get(url)
            allowed = response.status_code in (200, 204)
            if allowed != (capability in capabilities) or response.status_code >= 500:
                wrong.append((role, name, response.status_code))
    for name in PAGES:
        response = Client().get(address(name, world))
        if name in OPEN:
            if response.status_code != OPEN[name]:
                wrong.append(("anonymous", name, response.status_code))
        elif response.status_code != 302 or "/login/" not in response["Location"]:
            wrong.append(("anonymous", name, response.status_code))

    assert not wrong


def test_forms_of_pages_that_anyone_reads_are_closed_to_those_who_may_not(
    world: dict[str, Any], signed_in: SignIn
) -> None:
    wrong = []
    for role, capabilities in ROLES.items():
        client = signed_in(role)
        for name, capability in FORMS.items():
            status = client.post(address(name, world), {"plan": "1"}).status_code
            if (status == 403) == (capability in capabilities):
                wrong.append((role, name, status))

    assert not wrong


def test_lists_open_to_every_role_and_to_no_stranger(world: dict[str, Any], signed_in: SignIn) -> None:
    urls = [reverse(f"admin:optimizer_app_{name}_changelist") for name in LISTS] + [
        reverse("admin:auth_user_changelist")
    ]
    for role in ROLES:
        client = signed_in(role)
        assert {client.get(url).status_code for url in urls} == {200}
    assert {Client().get(url).status_code for url in urls} == {302}


def test_the_shell_offers_no_way_around_the_services(world: dict[str, Any], signed_in: SignIn) -> None:
    client = signed_in("admin")
    for name in LISTS:
        assert client.get(reverse(f"admin:optimizer_app_{name}_add")).status_code == 403
        assert client.post(reverse(f"admin:optimizer_app_{name}_delete", args=[1])).status_code in (302, 403)
    assert client.get(reverse("admin:auth_user_add")).status_code == 403


def test_someone_without_a_role_sees_nothing(signed_in: SignIn) -> None:
    nobody = person("viewer")
    nobody.groups.clear()
    client = Client()
    client.force_login(nobody)

    assert client.get("/").status_code == 403
    assert client.get("/workers/").status_code == 403


def _body(operation: str, world: dict[str, Any]) -> dict[str, Any]:
    known = {"language_model_id": "model_id"}
    return {key: world.get(known.get(key, key), value) for key, value in BODIES.get(operation, {}).items()}


def call(client: Client, operation: str, world: dict[str, Any], headers: dict[str, str] | None = None) -> int:
    method, path, described = operations()[operation]
    form = "multipart/form-data" in described.get("requestBody", {}).get("content", {})
    arguments = {p["name"]: world[p["name"]] for p in described.get("parameters", []) if p["in"] == "path"}
    body = None if method == "get" else json.dumps(_body(operation, world))
    asked = {p["name"]: world["worker_name"] for p in described.get("parameters", []) if p.get("required")}
    url = f"{path.format(**arguments)}?{urlencode(asked)}"
    if form:
        return client.post(url, {"file": SimpleUploadedFile("a.jsonl", b"{}")}, headers=headers).status_code
    return client.generic(method.upper(), url, body or "", "application/json", headers=headers).status_code


def test_operations_open_to_the_scopes_that_may(world: dict[str, Any]) -> None:
    wrong = []
    for scope in Capability:
        _, text = token_create(by=SYSTEM, name=f"scope {scope}", scopes=[scope])
        headers = {"Authorization": f"Bearer {text}"}
        for name, capability in OPERATIONS.items():
            if capability == scope and operations()[name][0] != "get":
                continue  # an empty body is refused for its content; here only that others may not
            status = call(Client(), name, world, headers)
            if status != (200 if capability == scope else 403):
                wrong.append((scope, name, status))

    assert not wrong


def test_operations_are_closed_to_strangers(world: dict[str, Any]) -> None:
    bad = {"Authorization": "Bearer upl_00000000_nonsense"}
    for name in OPERATIONS:
        assert call(Client(), name, world) == 401
        assert call(Client(), name, world, bad) == 401


def test_documentation_is_for_people_and_tokens(signed_in: SignIn) -> None:
    _, text = token_create(by=SYSTEM, name="docs", scopes=["read"])
    for path in ("/api/v1/openapi.json", "/api/v1/docs"):
        assert Client().get(path).status_code == 401
        assert signed_in("viewer").get(path).status_code == 200
        assert Client().get(path, headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_browser_sessions_need_the_csrf_token_on_the_api(signed_in: SignIn) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("admin"))

    assert client.get("/api/v1/workers").status_code == 200
    assert client.post("/api/v1/metrics", "{}", content_type="application/json").status_code == 403
