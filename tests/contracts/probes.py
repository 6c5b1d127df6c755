"""Hostile text in every column that a page may show."""

import json
from typing import Any

from django.apps import apps
from django.db import models

from optimizer_app.models import Worker
from tests.contracts.rights import SIGN_IN
from tests.contracts.routes import address, our_routes
from tests.contracts.world import build
from tests.factories.executions import record, recorded

PROBE = "\"'><img src=x onerror=window.struck=1><script>window.struck=1</script>{{7*7}}${7*7}"
LEAST_NAME = 90  # shorter names are of things that no page shows
# what other code looks rows up by, or computes with
KEPT = {
    "code", "prefix", "digest", "fingerprint", "key", "day", "content_hash", "input_hash", "event", "optimizer",
    "wrapped", "cron", "kind", "field", "model", "issuer", "subject", "grouped_by", "stratified_by", "signal",
    "variant",
}  # fmt: skip


def planted() -> str:
    """One of everything with the probe in each text; how many columns took it, and the addresses of all pages, as
    JSON."""
    world = build()
    worker, columns = Worker.objects.get(), 0
    told: dict[str, Any] = {"inputs": {"message": PROBE}, "outputs": {"team": PROBE}, "metadata": {"k": PROBE}}
    recorded(worker, record(worker, **told, error=PROBE, error_kind=PROBE[:90], model=PROBE[:90]))
    for model in apps.get_models():
        if model._meta.app_label in ("optimizer_app", "analytics") and model.__name__ != "AuditEvent":
            for field in model._meta.fields:
                columns += _plant(model, field)
    world["worker_name"] = Worker.objects.get().name
    pages = {name: address(name, world) for name in our_routes() if name not in SIGN_IN}
    return json.dumps({"columns": columns, "pages": pages})


def _plant(model: type[models.Model], field: "models.Field[Any, Any]") -> bool:
    text = type(field) in (models.CharField, models.TextField) and not field.choices and not field.unique
    limit = field.max_length or 1000
    if field.unique and field.name == "name" and limit > LEAST_NAME:
        for pk in model._base_manager.values_list("pk", flat=True):
            model._base_manager.filter(pk=pk).update(name=f"{PROBE[:LEAST_NAME]}{pk}")
        return True
    if not text or field.name in KEPT or limit < len(PROBE):
        return False
    return bool(model._base_manager.update(**{field.name: PROBE}))
