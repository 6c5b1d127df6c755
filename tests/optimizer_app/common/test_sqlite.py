"""SQLite as it is set up here keeps what it committed, however many processes open, write and close it at once."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from optimizer_app.settings.database import SQLITE_OPTIONS

PROCESSES, THREADS, COMMITS = 3, 3, 900
ROUNDS = int(os.environ.get("UPLIFT_SQLITE_ROUNDS", "1"))  # with mmap_size, one of two rounds loses commits
TABLE = """CREATE TABLE kept (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, body BLOB);
CREATE INDEX by_key ON kept (key)"""
WRITER = f"""
import os, random, sqlite3, sys, threading, time
path, set_up, process = sys.argv[1:]
def writer(thread):
    for number in range({COMMITS}):
        database = sqlite3.connect(path, timeout=60, isolation_level=None)
        database.executescript(set_up)
        database.execute("BEGIN IMMEDIATE")
        rows = [(f"{{process}} {{thread}} {{number}}", os.urandom(700)) for _ in range(20)]
        database.executemany("INSERT INTO kept (key, body) VALUES (?, ?)", rows)
        database.execute("COMMIT")
        database.close()
        time.sleep(0.01 * random.random())
threads = [threading.Thread(target=writer, args=(thread,)) for thread in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_every_commit_of_processes_that_open_and_close_at_once_is_there(tmp_path: Path, round_number: int) -> None:
    path, set_up = tmp_path / "kept.sqlite3", SQLITE_OPTIONS["init_command"]
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{set_up}; {TABLE}")

    command = [sys.executable, "-c", WRITER, str(path), str(set_up)]
    writers = [subprocess.Popen([*command, str(process)]) for process in range(PROCESSES)]
    assert [writer.wait() for writer in writers] == [0] * PROCESSES

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (kept,) = database.execute("SELECT COUNT(DISTINCT key) FROM kept").fetchone()
    assert kept == PROCESSES * THREADS * COMMITS
