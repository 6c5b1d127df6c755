"""Every page and every API operation, for every role and for strangers. A new one without an entry fails."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from optimizer_app.common.access import ROLES, SYSTEM, Capability
from optimizer_app.services.tokens import token_create
from tests.conftest import SignIn
from tests.contracts.rights import BODIES, FORMS, LISTS, OPEN, OPERATIONS, PAGES, POSTED, SIGN_IN
from tests.contracts.routes import address, every_address, operations, our_routes
from tests.factories.workers import person

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_every_page_has_an_entry() -> None:
    assert our_routes().keys() == PAGES.keys()


def test_every_operation_has_an_entry() -> None:
    assert operations().keys() == OPERATIONS.keys()


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


# sign-in, health, and what asks for a token or a secret itself
STRANGERS = ("/login/", "/healthz", "/readyz", "/shared/", "/second-factor/", "/oidc/", "/logout/")


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_address_at_all_opens_to_a_stranger_or_breaks(world: dict[str, Any], signed_in: SignIn, method: str) -> None:
    viewer, wrong = signed_in("viewer"), []
    viewer.raise_request_exception = False
    found = set(every_address())
    for url in sorted(found):
        status = getattr(Client(raise_request_exception=False), method)(url).status_code
        if (status < 300 or status >= 500) and not url.startswith(STRANGERS):
            wrong.append(("stranger", url, status))
        if method == "get" and not url.startswith(STRANGERS):
            status = viewer.get(url).status_code
            if status >= 500:
                wrong.append(("viewer", url, status))
    assert not wrong
    assert len(found) > 150
