"""Create, change and test connections to language models."""

import json
from decimal import Decimal
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.outbound import address_problem
from optimizer_app.common.problems import Refused
from optimizer_app.models import LanguageModel
from optimizer_app.services import audit

REASONING_MODELS = ("gpt-5", "o1", "o3", "o4")
LEAST_REASONING_TOKENS = 16_000


def language_model_save(model: LanguageModel, *, by: Actor, api_key: str | None) -> LanguageModel:
    """Create or change a connection. `api_key` None keeps the key as it is."""
    by.require(Capability.ADMIN)
    _check(model)
    created = model.pk is None
    if api_key is not None:
        model.api_key = api_key
    with transaction.atomic():
        model.save()
        verb = "language_model.create" if created else "language_model.update"
        audit.record(by, verb, model, model=model.model, key_changed=api_key is not None)
    return model


def connection_of(model: LanguageModel) -> dict[str, Any]:
    """The connection as the engine reads it, key included. Keep it in memory only. Raises Refused where the address
    leads elsewhere by now than it did when it was entered, to a place that must not be asked."""
    if model.api_base and (reason := address_problem(model.api_base)):
        raise Refused(f"{model.name}, {model.api_base}: {reason}")
    return {
        "name": model.name,
        "model": model.model,
        "api_base": model.api_base,
        "api_key": model.api_key,
        "temperature": model.temperature,
        "max_tokens": model.max_tokens,
        "timeout_s": model.timeout_s,
        "retries": model.retries,
        "price_in": None if model.price_in is None else float(model.price_in),
        "price_out": None if model.price_out is None else float(model.price_out),
        "directory": settings.LOCAL_MODELS,
    }


def _check(model: LanguageModel) -> None:
    fields: dict[str, list[str]] = {}
    if LanguageModel.objects.filter(name=model.name).exclude(pk=model.pk).exists():
        fields["name"] = [f"There is already a language model called “{model.name}”."]
    if "/" not in model.model:
        fields["model"] = ["Write provider and model, for example openai/gpt-4.1-mini."]
    if (model.price_in is None) != (model.price_out is None):
        fields["price_out"] = ["Give both prices or none."]
    short = model.model.rpartition("/")[2]
    if short.startswith(REASONING_MODELS) and "chat" not in short:
        if model.temperature not in (None, 1.0):
            fields["temperature"] = ["This model takes no temperature other than 1; leave it empty."]
        if model.max_tokens is not None and model.max_tokens < LEAST_REASONING_TOKENS:
            fields["max_tokens"] = [
                f"This model thinks before it answers: give at least {LEAST_REASONING_TOKENS} tokens."
            ]
    if model.api_base and (reason := address_problem(model.api_base)):
        fields["api_base"] = [reason]
    if fields:
        raise Refused(fields=fields)


def known_price(model: str) -> tuple[Decimal, Decimal] | None:
    """USD per million input and output tokens from LiteLLM's price list, or None where it has none."""
    entry = _price_list().get(model) or _price_list().get(model.partition("/")[2])
    prices = [entry.get(key) if entry else None for key in ("input_cost_per_token", "output_cost_per_token")]
    if prices[0] is None or prices[1] is None:
        return None
    return tuple(round(Decimal(str(price)) * 1_000_000, 6) for price in prices)  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _price_list() -> dict[str, dict[str, Any]]:
    """The list inside the litellm package, read without importing it (which takes seconds)."""
    spec = find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return {}
    path = Path(spec.submodule_search_locations[0]) / "model_prices_and_context_window_backup.json"
    prices: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return prices
