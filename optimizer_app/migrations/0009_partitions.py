"""New databases on PostgreSQL are partitioned by month; those with executions by the command `partition`."""

from django.db import migrations


def partition_new(apps, schema_editor):
    if (
        schema_editor.connection.vendor == "postgresql"
        and not apps.get_model("optimizer_app", "Execution").objects.exists()
    ):
        from optimizer_app.services.partitioning import partition

        partition(lambda line: None)


class Migration(migrations.Migration):
    atomic = False  # indexes that block nobody are made outside of transactions
    dependencies = [("optimizer_app", "0008_append_only")]
    operations = [migrations.RunPython(partition_new, migrations.RunPython.noop)]
