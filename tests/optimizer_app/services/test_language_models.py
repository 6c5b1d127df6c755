"""Connections to language models."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.models import LanguageModel
from optimizer_app.services.language_models import known_price, language_model_save

pytestmark = pytest.mark.django_db


def test_the_key_is_encrypted_and_kept_until_replaced(admin: Actor) -> None:
    model = language_model_save(LanguageModel(name="M", model="openai/x"), by=admin, api_key="sk-secret")
    language_model_save(model, by=admin, api_key=None)

    model.refresh_from_db()
    assert model.api_key == "sk-secret"
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM optimizer_app_languagemodel WHERE id = %s", [model.pk])
        assert "sk-secret" not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"model": "gpt"}, "model"),
        ({"price_in": Decimal(1)}, "price_out"),
        ({"model": "openai/gpt-5", "temperature": 0.2}, "temperature"),
        ({"model": "openai/o3", "max_tokens": 500}, "max_tokens"),
        ({"api_base": "ftp://host/v1"}, "api_base"),
        ({"api_base": "http://user:pass@host/v1"}, "api_base"),
        ({"api_base": "http://169.254.169.254/latest"}, "api_base"),
        ({"name": "Built-in lexical model"}, "name"),
    ],
)
def test_settings_that_cannot_work_are_refused(admin: Actor, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        language_model_save(LanguageModel(**({"name": "M", "model": "openai/x"} | values)), by=admin, api_key="")

    assert refused.value.fields.keys() == {field}


def test_private_addresses_can_be_switched_off(admin: Actor, settings: Settings) -> None:
    local = LanguageModel(name="M", model="openai/x", api_base="http://127.0.0.1:8000/v1")
    language_model_save(local, by=admin, api_key="")

    settings.ALLOW_PRIVATE_ADDRESSES = False
    for address in ("http://127.0.0.1/v1", "http://localhost/v1", "http://10.1.2.3/v1", "http://[::1]/v1"):
        local.api_base = address
        with pytest.raises(Refused):
            language_model_save(local, by=admin, api_key="")


def test_known_prices_are_per_million_tokens() -> None:
    assert known_price("openai/gpt-4o-mini") == (Decimal("0.15"), Decimal("0.6"))
    assert known_price("openai/never-heard-of") is None
