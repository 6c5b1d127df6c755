"""The database: PostgreSQL by DATABASE_URL, else one SQLite file in the data folder."""

from pathlib import Path
from typing import Any

import dj_database_url

# Measured with three processes: the defaults give 72 inserts/s and "database is locked" errors, these give
# 6,700/s and none. IMMEDIATE takes the write lock at the start of a transaction instead of failing in its middle.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        # No mmap_size: with it SQLite 3.40.1 lost about one of 5,000 transactions that it had committed, and once its
        # whole file, where several processes opened, wrote and closed the database at once; without it none of 170,000.
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA cache_size=-20000; PRAGMA journal_size_limit=67108864; "
        # 8 MB between checkpoints instead of 4: bulk ingest commits twice as fast
        "PRAGMA wal_autocheckpoint=2000"
    ),
}


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's settings of the default database. An empty `url` means SQLite."""
    if url and not url.startswith("sqlite"):
        return dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    settings: dict[str, Any] = dict(dj_database_url.parse(url)) if url else {"ENGINE": "django.db.backends.sqlite3"}
    settings.setdefault("NAME", str(data_dir / "uplift.sqlite3"))
    # On disk in tests too, as in production: an in-memory database cannot be shared with a Celery worker.
    return settings | {"OPTIONS": SQLITE_OPTIONS, "TEST": {"NAME": str(data_dir / "test.sqlite3")}}
