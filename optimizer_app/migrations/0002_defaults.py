"""The four roles, the built-in lexical model and a metric of every common kind."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLES = ("viewer", "operator", "approver", "admin")
METRICS = (
    ("Exact match", "exact_match", {}),
    ("Normalized match", "normalized_match", {}),
    ("Contains", "contains", {}),
    ("Token F1", "token_f1", {}),
    ("Number within 1 %", "numeric_tolerance", {"absolute": 0.0, "relative": 0.01}),
    ("List F1", "list_f1", {}),
)


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for role in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=role)
    apps.get_model("optimizer_app", "LanguageModel").objects.get_or_create(
        name="Built-in lexical model", defaults={"model": "offline/lexical-1", "price_in": 0, "price_out": 0}
    )
    for name, kind, parameters in METRICS:
        apps.get_model("optimizer_app", "Metric").objects.get_or_create(
            name=name, defaults={"kind": kind, "parameters": parameters}
        )


class Migration(migrations.Migration):
    dependencies = [("optimizer_app", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
