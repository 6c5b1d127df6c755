"""The embedded broker: nothing lost, nothing doubled."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection

from optimizer_app.common import sqlite_broker

URL = "optimizer_app.common.sqlite_broker:Transport"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "broker.sqlite3"


@pytest.fixture
def connection(path: Path) -> Iterator[Connection]:
    # each test has its own file; the transport keeps one connection per thread
    sqlite_broker.Channel._connection.database = None
    with Connection(transport=URL, transport_options={"path": str(path)}) as opened:
        yield opened
    sqlite_broker.Channel._connection.database = None


def rows(path: Path) -> int:
    with sqlite3.connect(path) as database:
        return int(database.execute("SELECT count(*) FROM message").fetchone()[0])


def test_messages_come_in_order_and_go_when_acknowledged(connection: Connection, path: Path) -> None:
    queue = connection.SimpleQueue("q")
    for number in range(5):
        queue.put({"n": number})

    for number in range(5):
        message = queue.get(timeout=2)
        assert message.payload == {"n": number}
        assert rows(path) == 5 - number
        message.ack()
    assert rows(path) == 0


def test_what_a_dead_worker_held_is_delivered_again(connection: Connection, path: Path) -> None:
    queue = connection.SimpleQueue("q")
    queue.put({"n": 1})
    queue.get(timeout=2)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE owner SET beat = 0")
        database.execute("UPDATE message SET owner = 'dead'")

    channel = connection.channel()
    message: dict[str, Any] = channel._get("q")

    assert message["redelivered"] is True


def test_rejected_messages_come_back_or_go(connection: Connection, path: Path) -> None:
    queue = connection.SimpleQueue("q")
    queue.put({"n": 1})
    queue.get(timeout=2).requeue()
    queue.get(timeout=2).reject()
    assert rows(path) == 0


def test_four_consumers_share_two_hundred_messages(path: Path) -> None:
    sqlite_broker.Channel._connection.database = None
    options = {"path": str(path)}
    seen: list[int] = []
    lock = threading.Lock()
    with Connection(transport=URL, transport_options=options) as producer:
        queue = producer.SimpleQueue("q")
        for number in range(200):
            queue.put(number)

    def consume() -> None:
        with Connection(transport=URL, transport_options=options) as mine:
            queue = mine.SimpleQueue("q")
            try:
                while True:
                    message = queue.get(timeout=1)
                    with lock:
                        seen.append(message.payload)
                    message.ack()
            except queue.Empty:
                pass

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == list(range(200))
