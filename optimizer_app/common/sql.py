"""Statements past the ORM, where it has no words for them."""

from typing import Any

from django.db import connection


def sql(statement: str, *values: Any, **names: str) -> list[tuple[Any, ...]]:
    """Run one statement: {names} are tables, columns and the like, quoted as such; %s are values. Its rows, if it has
    any. A literal % is written %% where there are values."""
    quoted = {place: connection.ops.quote_name(name) for place, name in names.items()}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**quoted), values or None)
        return cursor.fetchall() if cursor.description else []
