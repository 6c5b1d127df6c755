"""Keys and secrets leave by no page, operation, export, log, error or audit event."""

import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.core import serializers
from django.db import connection
from django.test import Client

from analytics.services.channels import channel_save
from optimizer_app.common.access import SYSTEM, Capability
from optimizer_app.common.keyring import keyring
from optimizer_app.models import AuditEvent, LanguageModel
from optimizer_app.services.language_models import language_model_save
from optimizer_app.services.tokens import token_create
from tests.conftest import SignIn
from tests.contracts.rights import SIGN_IN
from tests.contracts.routes import address, operations, our_routes

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
API_KEY, HOOK, PAGER = "sk-planted-of-the-model", "planted-secret-of-the-webhook", "plantedroutingkeyofpagerduty0001"


def test_no_secret_leaves(world: dict[str, Any], signed_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    model = LanguageModel.objects.get(pk=world["model_id"])
    model.api_base, model.model = "http://127.0.0.1:9/v1", "openai/nothing"
    model.timeout_s, model.retries = 1, 0
    language_model_save(model, by=SYSTEM, api_key=API_KEY)
    hook = {"url": "http://127.0.0.1:9/hook", "secret": HOOK}
    channel_save(None, by=SYSTEM, name="hook", kind="webhook", worker=None, config=hook)
    channel_save(None, by=SYSTEM, name="pager", kind="pagerduty", worker=None, config={"routing_key": PAGER})
    _, token = token_create(by=SYSTEM, name="planted", scopes=list(Capability))
    secrets = [API_KEY, HOOK, PAGER, token, settings.SECRET_KEY, settings.AUDIT_KEY]
    secrets += [key.partition(":")[2] for key in keyring().split(",")]
    told: dict[str, str] = {}

    client = signed_in("admin")
    for name in our_routes():
        if name not in SIGN_IN:
            told[name] = client.get(address(name, world)).getvalue().decode(errors="replace")
    told["model test"] = client.post(f"/models/{model.pk}/test/").content.decode()
    playground = {"message": "hello"}
    told["playground"] = client.post(f"/workers/{world['worker_id']}/playground/", playground).content.decode()
    api = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    for name, (method, path, _) in operations().items():
        if method == "get":
            for key, value in world.items():
                path = path.replace(f"{{{key}}}", str(value))
            told[name] = api.get(path).content.decode(errors="replace")
    body = json.dumps({"inputs": {"message": "hello"}})
    told["predict"] = api.post(
        f"/api/v1/workers/{world['worker_id']}/predict", body, content_type="application/json"
    ).content.decode()
    told["audit"] = serializers.serialize("json", AuditEvent.objects.all())
    told["log"] = caplog.text

    leaks = [(where, secret[:12]) for where, text in told.items() for secret in secrets if secret in text]
    assert not leaks
    assert len(told) > 100
    assert "502" in told["predict"] or "model" in told["predict"]


def test_what_is_sealed_is_not_in_the_database_in_clear(world: dict[str, Any]) -> None:
    LanguageModel.objects.filter(pk=world["model_id"]).update(api_key=API_KEY)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            assert API_KEY not in str(cursor.fetchall()), table
