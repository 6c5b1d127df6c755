"""The audit log becomes append-only in the database itself and gets a head; values get a first data key."""

from django.db import migrations

REFUSAL = "The audit log is append-only."
SQLITE = [
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON optimizer_app_auditevent "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION uplift_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON optimizer_app_auditevent "
    "FOR EACH ROW EXECUTE FUNCTION uplift_audit_refuse()",
]
UNDO = {
    "sqlite": ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"],
    "postgresql": ["DROP TRIGGER audit_append_only ON optimizer_app_auditevent", "DROP FUNCTION uplift_audit_refuse()"],
}


def refuse_changes(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def allow_changes(apps, schema_editor):
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def head_and_key(apps, schema_editor):
    from optimizer_app.common.keyring import new_data_key
    from optimizer_app.services.audit import HEAD, _seal

    last = apps.get_model("optimizer_app", "AuditEvent").objects.order_by("-number").first()
    if last is not None:
        heads = apps.get_model("optimizer_app", "AuditHead").objects
        heads.create(pk=HEAD, number=last.number, hash=last.hash, seal=_seal(last.number, last.hash))
    # Processes of the release before cannot open what a data key sealed: where there are people already, the first one is
    # made by `rotate_keys`, once all processes are new.
    if not apps.get_model("auth", "User").objects.exists():
        name, wrapped = new_data_key()
        apps.get_model("optimizer_app", "DataKey").objects.create(name=name, wrapped=wrapped)


class Migration(migrations.Migration):
    dependencies = [("optimizer_app", "0007_trust"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.RunPython(refuse_changes, allow_changes),
        migrations.RunPython(head_and_key, migrations.RunPython.noop),
    ]
