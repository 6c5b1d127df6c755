"""Copies of the database, made beside running processes, and brought back."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection

from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Worker

LITE = b"SQLite format 3\0"


def backup_make(target: Path) -> int:
    """Copy the database into a file that is there whole or not at all; its size in bytes. PostgreSQL's is pg_dump's own
    format. Raises Conflict when the file is there already, Refused when the copy cannot be made."""
    if target.exists():
        raise Conflict(f"{target} is there already.")
    part = target.with_name(f"{target.name}.part")
    try:
        if connection.vendor == "sqlite":
            _copy_sqlite(str(connection.settings_dict["NAME"]), str(part))
        else:
            _postgresql("pg_dump", "--format=custom", f"--file={part}")
        part.replace(target)
    except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        raise Refused(f"The backup could not be made: {_said(error)}") from None
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def backup_restore(source: Path, *, replace: bool) -> None:
    """Put a copy in the place of the database. Nothing else may run meanwhile. Raises Conflict where workers are there
    already and `replace` was not said, Refused for a file that is no backup of this kind of database."""
    if not source.is_file():
        raise Refused(f"{source} is no file.")
    with source.open("rb") as file:
        lite = file.read(len(LITE)) == LITE
    if lite != (connection.vendor == "sqlite"):
        raise Refused(f"{source} is a copy of another kind of database than {connection.display_name}.")
    tables = connection.introspection.table_names()
    if not replace and Worker._meta.db_table in tables and Worker.objects.exists():
        raise Conflict("This database has workers. Say --replace to lose what it holds.")
    connection.close()
    try:
        if lite:
            _copy_sqlite(str(source), str(connection.settings_dict["NAME"]))
        else:
            _postgresql("pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction",
                        f"--dbname={connection.settings_dict['NAME']}", str(source))  # fmt: skip
    except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        raise Refused(f"The backup could not be restored: {_said(error)}") from None


def _copy_sqlite(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
        if (found := other.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)


def _postgresql(program: str, *arguments: str) -> None:
    told = connection.settings_dict
    places = {"PGHOST": told["HOST"], "PGPORT": told["PORT"], "PGUSER": told["USER"], "PGPASSWORD": told["PASSWORD"]}
    environment = os.environ | {name: str(value) for name, value in places.items() if value}
    environment["PGDATABASE"] = str(told["NAME"])
    subprocess.run(  # noqa: S603 - our own programs and arguments
        [program, *arguments], env=environment, check=True, capture_output=True, text=True
    )  # fmt: skip


def _said(error: Exception) -> str:
    return error.stderr.strip()[-500:] if isinstance(error, subprocess.CalledProcessError) else str(error)
