"""A kombu transport on one SQLite file: the broker of the embedded default.

Messages are claimed by UPDATE and deleted on acknowledgement, so a killed worker loses none: claims of workers
silent for DEAD_AFTER_S go back to the queue. kombu's own file transport loses messages when a worker is killed
or two producers meet, and its SQLAlchemy transport has no fanout, so no remote control (docs/adr/0003).
"""

import os
import sqlite3
import threading
import time
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

DEAD_AFTER_S = 30.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0,
    owner TEXT, redelivered INTEGER NOT NULL DEFAULT 0, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS message_next ON message (queue, owner, priority, id);
CREATE TABLE IF NOT EXISTS binding (
    exchange TEXT, routing_key TEXT, pattern TEXT, queue TEXT, PRIMARY KEY (exchange, routing_key, pattern, queue));
CREATE TABLE IF NOT EXISTS owner (id TEXT PRIMARY KEY, beat REAL);
"""
NEXT = """
UPDATE message SET owner = ? WHERE id =
    (SELECT id FROM message WHERE queue = ? AND owner IS NULL ORDER BY priority, id LIMIT 1)
RETURNING id, payload, redelivered
"""


class _Connection(threading.local):
    """One SQLite connection per thread and process: forks must not share one."""

    database: sqlite3.Connection | None = None
    process = 0


class QoS(virtual.QoS):
    """Acknowledging deletes the row; nothing is kept in memory that a kill could lose."""

    restore_at_shutdown = False

    def ack(self, delivery_tag: str) -> None:
        self.channel.delete_message(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.channel.release_message(delivery_tag)
        else:
            self.channel.delete_message(delivery_tag)
        super().ack(delivery_tag)


class Channel(virtual.Channel):
    """kombu's virtual channel over the tables above."""

    QoS = QoS
    supports_fanout = True
    do_restore = False
    _connection = _Connection()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = f"{os.getpid()}:{id(self)}:{time.time():.0f}"
        self._last_beat = 0.0

    @property
    def _db(self) -> sqlite3.Connection:
        local = self._connection
        if local.database is None or local.process != os.getpid():
            path = self.connection.client.transport_options["path"]
            local.database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            local.process = os.getpid()
            local.database.execute("PRAGMA journal_mode=WAL")
            local.database.execute("PRAGMA synchronous=NORMAL")
            local.database.executescript(SCHEMA)
        return local.database

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        self._db.execute(
            "INSERT INTO message (queue, priority, payload) VALUES (?, ?, ?)",
            (queue, -self._get_message_priority(message), dumps(message)),
        )

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        self._beat()
        # A plain read first: an idle worker must not take the write lock five times a second.
        waiting = "SELECT 1 FROM message WHERE queue = ? AND owner IS NULL LIMIT 1"
        if self._db.execute(waiting, (queue,)).fetchone() is None:
            raise Empty
        rows = self._db.execute(NEXT, (self._owner, queue)).fetchall()
        if not rows:
            raise Empty
        row_id, payload, redelivered = rows[0]
        message: dict[str, Any] = loads(payload)
        message["properties"]["delivery_tag"] = str(row_id)
        if redelivered:
            message["redelivered"] = True
        return message

    def _beat(self) -> None:
        """Say that this worker lives, and release what dead ones held."""
        now = time.time()
        if now - self._last_beat < DEAD_AFTER_S / 6:
            return
        self._last_beat = now
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "INSERT INTO owner VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET beat = excluded.beat", (self._owner, now)
        )
        self._db.execute("DELETE FROM owner WHERE beat < ?", (now - DEAD_AFTER_S,))
        self._db.execute(
            "UPDATE message SET owner = NULL, redelivered = redelivered + 1 "
            "WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM owner)"
        )
        self._db.execute("COMMIT")

    def delete_message(self, tag: str) -> None:
        self._db.execute("DELETE FROM message WHERE id = ?", (int(tag),))

    def release_message(self, tag: str) -> None:
        self._db.execute("UPDATE message SET owner = NULL WHERE id = ?", (int(tag),))

    def _size(self, queue: str) -> int:
        query = "SELECT count(*) FROM message WHERE queue = ? AND owner IS NULL"
        return int(self._db.execute(query, (queue,)).fetchone()[0])

    def _purge(self, queue: str) -> int:
        return self._db.execute("DELETE FROM message WHERE queue = ? AND owner IS NULL", (queue,)).rowcount

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return True

    def _delete(self, queue: str, *_: Any, **__: Any) -> None:
        self._db.execute("DELETE FROM binding WHERE queue = ?", (queue,))
        self._db.execute("DELETE FROM message WHERE queue = ?", (queue,))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO binding VALUES (?, ?, ?, ?)", (exchange, routing_key or "", pattern or "", queue)
        )

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        query = "SELECT routing_key, pattern, queue FROM binding WHERE exchange = ?"
        return [tuple(row) for row in self._db.execute(query, (exchange,))]

    def _put_fanout(self, exchange: str, message: dict[str, Any], routing_key: str, **_: Any) -> None:
        for _key, _pattern, queue in self.get_table(exchange):
            self._put(queue, message)

    def close(self) -> None:
        if not self.closed:
            self._db.execute("UPDATE message SET owner = NULL WHERE owner = ?", (self._owner,))
            self._db.execute("DELETE FROM owner WHERE id = ?", (self._owner,))
        super().close()


class Transport(virtual.Transport):
    """`upliftsqlite://localhost` with the transport option `path`."""

    Channel = Channel
    driver_type = "sqlite"
    driver_name = "uplift"
    can_parse_url = False
    polling_interval = 0.2
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct", "topic", "fanout"]))

    def driver_version(self) -> str:
        return sqlite3.sqlite_version
