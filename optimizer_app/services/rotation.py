"""Seal everything anew with the first encryption key, beside running readers and writers."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connection, models

from optimizer_app.common import bodies
from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.keys import MARK, first_key, key_of, seal, seal_bytes, unseal, unseal_bytes
from optimizer_app.models import Execution

BATCH = 500


def keys_rotate() -> dict[str, int]:
    """table.column -> values that were sealed with an older key and are now sealed with the first one.

    Each value is replaced only if it is still the one that was read, so a writer in between wins; it seals with the
    first key itself, once its process has been restarted. Run it until every count is zero.
    """
    done = {}
    for model, field in _encrypted():
        done[f"{model._meta.db_table}.{field.column}"] = _rotate_column(model, field)
    done[f"{Execution._meta.db_table}.body"] = _rotate_bodies()
    return done


def _encrypted() -> Iterator[tuple[type[models.Model], EncryptedJSONField]]:
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, EncryptedJSONField):
                yield model, field


def _rotate_column(model: type[models.Model], field: EncryptedJSONField) -> int:
    table, column, key = model._meta.db_table, field.column, model._meta.pk.column
    current = f"{MARK}:{first_key(settings.ENCRYPTION_KEYS)}:"
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
                new = seal(settings.ENCRYPTION_KEYS, unseal(settings.ENCRYPTION_KEYS, old, context), context)
                update = f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s"  # noqa: S608
                cursor.execute(update, [new, pk, old])
                changed += cursor.rowcount
            last = rows[-1][0]


def _rotate_bodies() -> int:
    current = first_key(settings.ENCRYPTION_KEYS)
    changed, last = 0, 0
    while True:
        rows = list(Execution.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "body")[:BATCH])
        if not rows:
            return changed
        for pk, old in rows:
            if key_of(bytes(old)) != current:
                plain = unseal_bytes(settings.ENCRYPTION_KEYS, bytes(old), bodies.CONTEXT)
                new = seal_bytes(settings.ENCRYPTION_KEYS, plain, bodies.CONTEXT)
                changed += Execution.objects.filter(pk=pk, body=old).update(body=new)
        last = rows[-1][0]
