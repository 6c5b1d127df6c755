"""The one collector of a process: takes records from callers, and lets a thread of its own do everything slow.

Settings come from `configure()` or the environment: UPLIFT_URL (https://… or file:///…), UPLIFT_TOKEN,
UPLIFT_SPOOL_DIR and UPLIFT_REFRESH_S.
"""

import atexit
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from optimizer_app.sdk.spool import Spool
from optimizer_app.sdk.transports import (
    FileTransport,
    HttpTransport,
    Kind,
    RefusedError,
    Registration,
    Transport,
    UnavailableError,
)

logger = logging.getLogger("uplift")
BATCH_BYTES, BATCH_ROWS = 1024 * 1024, 500
FLUSH_AT_EXIT_S = 5.0
LINGER_S = 0.5  # how long records gather before they are sent together
WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
NONE = "none"  # in the place of a version's tag: the server has none
MARKS: dict[bytes, Kind] = {b"e": "executions", b"f": "feedback"}
_ENCODER = msgspec.json.Encoder(enc_hook=str)

OnVersion = Callable[[dict[str, Any]], bool]  # False: it cannot be run here


class Collector:
    """Spools records and sends them; registers workers and tells them of new versions.

    `dropped` counts records that the bound of the spool or the disk refused, `refused` those that the server did;
    both are logged. `last_error` says what is in the way now, empty when nothing is.
    """

    def __init__(self, transport: Transport, folder: Path, *, refresh_s: float = 5.0, spool_mb: int = 256) -> None:
        self.transport, self.folder, self.refresh_s = transport, folder, refresh_s
        self.spool = Spool(folder, spool_mb * 1024 * 1024)
        self.refused = 0
        self.last_error = ""
        self._workers: dict[str, tuple[Registration, OnVersion]] = {}
        self._registered: set[str] = set()
        self._etags: dict[str, str] = {}
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._dropped_said = 0

    @property
    def dropped(self) -> int:
        return self.spool.dropped

    def record(self, kind: Kind, record: msgspec.Struct) -> None:
        """Take one record; on disk when this returns. Never raises."""
        mark = b"e" if kind == "executions" else b"f"
        self.spool.append(mark + _ENCODER.encode(record) + b"\n")
        if self.spool.waiting > BATCH_BYTES:
            self._wake.set()
        if self._thread is None:
            self.start()

    def register(self, registration: Registration, on_version: OnVersion) -> None:
        """Make a worker known, soon; `on_version` hears of its active version, now from the disk, later from afar."""
        self._workers[registration.name] = (registration, on_version)
        kept = self._read_kept(registration.name)
        if kept is not None and on_version(kept):
            self._etags[registration.name] = kept["etag"]
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Start the thread, once."""
        with self._start_lock:
            if self._thread is None and not self._stop:
                self._thread = threading.Thread(target=self._run, name="uplift-collector", daemon=True)
                self._thread.start()

    def flush(self, timeout_s: float = 30.0) -> bool:
        """Wait until everything was sent; False if something is still waiting after the timeout."""
        deadline = time.monotonic() + timeout_s
        self.start()
        while self.spool.waiting and time.monotonic() < deadline:
            self._wake.set()
            time.sleep(0.01)
        return not self.spool.waiting

    def close(self, timeout_s: float = FLUSH_AT_EXIT_S) -> None:
        """Send what can be sent in time and leave the rest on disk; does not wait for a server that is away."""
        deadline = time.monotonic() + timeout_s
        while not self.flush(0.1) and not self.last_error and time.monotonic() < deadline:
            pass
        self._stop = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)
        self.transport.close()
        self.spool.close()

    def after_fork(self) -> None:
        """In a child process: threads are gone, segments belong to the parent."""
        self.spool.forget()
        self.transport.close()  # its connection is the parent's too: two writers would mix their requests
        self._thread, self._start_lock = None, threading.Lock()
        self._wake = threading.Event()

    def _run(self) -> None:
        wait, refresh_at = 0.0, 0.0
        while not self._stop:
            self._wake.wait(min(LINGER_S, self.refresh_s))
            self._wake.clear()
            if wait:
                time.sleep(wait)  # being woken does not make the server come back
            if self._stop:
                break
            try:
                self._register_all()
                if time.monotonic() >= refresh_at:
                    self.spool.adopt()
                    self._refresh_all()
                    refresh_at = time.monotonic() + self.refresh_s
                self._send_all()
                wait, self.last_error = 0.0, ""
                self._say_dropped()
            except UnavailableError as error:
                wait = min(error.retry_after_s or max(WAIT_S, wait * 2), LONGEST_WAIT_S)
                self._complain(str(error))
            except Exception as error:  # the thread must outlive whatever a transport comes up with
                wait = LONGEST_WAIT_S
                self._complain(f"{type(error).__name__}: {error}")

    def _complain(self, reason: str) -> None:
        if reason != self.last_error:
            logger.warning("Uplift cannot be reached (%s). Records wait in %s.", reason, self.folder)
        self.last_error = reason

    def _say_dropped(self) -> None:
        if self.dropped != self._dropped_said:
            logger.error("%d records were not kept: %s is full or cannot be written.", self.dropped, self.folder)
            self._dropped_said = self.dropped

    def _register_all(self) -> None:
        for name, (registration, _) in list(self._workers.items()):
            if name not in self._registered:
                try:
                    self.transport.register(registration)
                except RefusedError as error:
                    logger.error("Uplift does not register the worker %s: %s", name, error)
                self._registered.add(name)

    def _refresh_all(self) -> None:
        for name, (_, on_version) in list(self._workers.items()):
            if name not in self._registered:
                continue
            try:
                found = self.transport.active(name, self._etags.get(name, ""))
            except RefusedError as error:  # said once: it is asked again at every refresh
                if self._etags.get(name) != NONE:
                    logger.error("Uplift gives no version of %s: %s", name, error)
                self._etags[name] = NONE
                continue
            if found is not None:
                self._etags[name] = found["etag"]
                if on_version(found):
                    self._keep(name, found)

    def _send_all(self) -> None:
        while not self._stop and (taken := self.spool.take(BATCH_BYTES)) is not None:
            self._register_all()  # whoever made these lines was known to this process before
            lines, segment, end = taken
            kind = MARKS[lines[0][:1]]
            same = _prefix(lines)[:BATCH_ROWS]
            place = end if len(same) == len(lines) else segment.read + sum(len(line) + 1 for line in same)
            self._send(kind, [line[1:] for line in same])
            self.spool.settle(segment, place)

    def _send(self, kind: Kind, lines: list[bytes]) -> None:
        """Deliver all; what is refused as a whole is halved until the one that is in the way is found."""
        try:
            for text in self.transport.send(kind, lines):
                self._lost(text)
        except RefusedError as error:
            if len(lines) == 1:
                self._lost(str(error))
            else:
                self._send(kind, lines[: len(lines) // 2])
                self._send(kind, lines[len(lines) // 2 :])

    def _lost(self, reason: str) -> None:
        self.refused += 1
        logger.error("Uplift refused a record: %s", reason)

    def _kept(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.version.json"

    def _keep(self, name: str, found: dict[str, Any]) -> None:
        path = self._kept(name)
        part = path.with_suffix(f".{os.getpid()}.part")
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(found))
        part.replace(path)

    def _read_kept(self, name: str) -> dict[str, Any] | None:
        path = self._kept(name)
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.exists() else None
        except (OSError, msgspec.DecodeError) as error:
            logger.warning("The kept version of %s cannot be read (%s); it is fetched anew.", name, error)
            return None


def _prefix(lines: list[bytes]) -> list[bytes]:
    """The first lines, as long as they are of one kind."""
    for number, line in enumerate(lines):
        if line[:1] != lines[0][:1]:
            return lines[:number]
    return lines


_current: Collector | None = None
_current_lock = threading.Lock()
_silent = False


def configure(
    url: str = "",
    token: str = "",
    *,
    transport: Transport | None = None,
    folder: Path | None = None,
    refresh_s: float = 5.0,
    spool_mb: int = 256,
) -> Collector:
    """Say where records go, in place of the environment. Workers registered before are registered again."""
    global _current
    with _current_lock:
        before = _current
        _current = _made(url, token, transport, folder, refresh_s, spool_mb)
    if before is not None:
        before.close()
        for registration, on_version in before._workers.values():
            _current.register(registration, on_version)
    return _current


def collector() -> Collector | None:
    """The collector of this process; None, said once in the log, when nothing tells where records go."""
    global _current, _silent
    if _current is None and not _silent:
        with _current_lock:
            if _current is None and os.environ.get("UPLIFT_URL"):
                _current = _made("", "", None, None, float(os.environ.get("UPLIFT_REFRESH_S", "5")), 256)
            elif _current is None:
                _silent = True
                logger.warning("UPLIFT_URL is not set and sdk.configure() was not called: executions are not recorded.")
    return _current


def _made(
    url: str, token: str, transport: Transport | None, folder: Path | None, refresh_s: float, spool_mb: int
) -> Collector:
    address = url or os.environ.get("UPLIFT_URL", "")
    if transport is None:
        parts = urlsplit(address)
        if parts.scheme == "file":
            transport = FileTransport(Path(parts.path))
        else:
            transport = HttpTransport(address, token or os.environ.get("UPLIFT_TOKEN", ""))
    place = hashlib.sha256((address or type(transport).__name__).encode()).hexdigest()[:12]
    base = os.environ.get("UPLIFT_SPOOL_DIR")
    folder = folder or (Path(base) if base else Path.home() / ".cache" / "uplift") / place
    return Collector(transport, folder, refresh_s=refresh_s, spool_mb=spool_mb)


@atexit.register
def _close() -> None:
    if _current is not None:
        _current.close()


def _after_fork() -> None:
    global _current_lock
    _current_lock = threading.Lock()
    if _current is not None:
        _current.after_fork()


os.register_at_fork(after_in_child=_after_fork)
