"""Exchange keys beside running readers and writers: wrap the data keys anew, or seal everything with a new one."""

from collections.abc import Iterator

from django.apps import apps
from django.db import connection, models, transaction

from optimizer_app.common import bodies, keyring
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.keys import MARK, first_key, key_of
from optimizer_app.models import Artifact, DataKey, Execution
from optimizer_app.services import artifacts, audit

BATCH = 500


def master_rotate() -> int:
    """Wrap every data key with the first of UPLIFT_ENCRYPTION_KEYS; how many there are. Afterwards older master keys
    open only what was sealed before there were data keys, which `keys_rotate` seals anew."""
    with transaction.atomic():
        for key in DataKey.objects.select_for_update():
            key.wrapped = keyring.rewrapped(key.name, key.wrapped)
            key.save(update_fields=["wrapped"])
            audit.record(SYSTEM, "key.wrap", key)
        return DataKey.objects.count()


def data_key_make() -> DataKey:
    """A new data key, used for sealing by this process at once and by every other within keyring.REFRESH_S."""
    name, wrapped = keyring.new_data_key()
    with transaction.atomic():
        made = DataKey.objects.create(name=name, wrapped=wrapped)
        audit.record(SYSTEM, "key.make", made)
    keyring.keyring_forget()
    return made


def keys_rotate() -> dict[str, int]:
    """table.column -> values that were sealed with an older key and are now sealed with the newest.

    Each value is replaced only if it is still the one that was read, so a writer in between wins. A process that has
    not yet heard of the newest key may leave a value under the older one: run it until every count is zero.
    """
    done = {}
    for model, field in _encrypted():
        done[f"{model._meta.db_table}.{field.column}"] = _rotate_column(model, field)
    done[f"{Execution._meta.db_table}.body"] = _rotate_bodies()
    done[f"{Artifact._meta.db_table}.body"] = _rotate_artifacts()
    return done


def _encrypted() -> Iterator[tuple[type[models.Model], EncryptedJSONField]]:
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, EncryptedJSONField):
                yield model, field


def _rotate_column(model: type[models.Model], field: EncryptedJSONField) -> int:
    table, column, key = model._meta.db_table, field.column, model._meta.pk.column
    current = f"{MARK}:{first_key(keyring.keyring())}:"
    context = f"{table}.{column}".encode()
    changed, last = 0, 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                f"SELECT {key}, {column} FROM {table} WHERE {key} > %s AND {column} IS NOT NULL"  # noqa: S608 - own names
                f" AND {column} NOT LIKE %s ORDER BY {key} LIMIT {BATCH}",
                [last, f"{current}%"],
            )
            rows = cursor.fetchall()
            if not rows:
                return changed
            for pk, old in rows:
                new = keyring.seal(keyring.unseal(old, context), context)
                update = f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s"  # noqa: S608
                cursor.execute(update, [new, pk, old])
                changed += cursor.rowcount
            last = rows[-1][0]


def _rotate_bodies() -> int:
    current = first_key(keyring.keyring())
    changed, last = 0, 0
    while True:
        rows = list(Execution.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "body")[:BATCH])
        if not rows:
            return changed
        for pk, old in rows:
            if key_of(bytes(old)) != current:
                plain = keyring.unseal_bytes(bytes(old), bodies.CONTEXT)
                new = keyring.seal_bytes(plain, bodies.CONTEXT)
                changed += Execution.objects.filter(pk=pk, body=old).update(body=new)
        last = rows[-1][0]


def _rotate_artifacts() -> int:
    current = f"{MARK}:{first_key(keyring.keyring())}:".encode()
    changed = 0
    for pk in Artifact.objects.values_list("pk", flat=True):
        old = bytes(Artifact.objects.values_list("body", flat=True).get(pk=pk))
        if not old.startswith(current):
            new = keyring.seal(keyring.unseal(old.decode(), artifacts.CONTEXT), artifacts.CONTEXT)
            changed += Artifact.objects.filter(pk=pk).update(body=new.encode())
    return changed
