"""A queue on disk between the caller and the sender: what was recorded survives the death of the process.

One line a record, appended by the calling thread (about 5 µs; no fsync, so a power cut may cost the last lines, a
killed process nothing). Segments of dead processes are found by their lock and sent by whoever comes next.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

SEGMENT_BYTES = 8 * 1024 * 1024
SUFFIX = ".spool"


@dataclass
class Segment:
    """One file of records. `read` is how far it was taken, `size` how much was written; both in bytes."""

    path: Path
    fd: int
    read: int = 0
    size: int = 0


class Spool:
    """Append from any thread; take and settle from one. `dropped` counts what the limit or the disk refused."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self.dropped = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._segments: deque[Segment] = deque()
        self._waiting = 0
        self._writing: Segment | None = None

    @property
    def waiting(self) -> int:
        """Bytes that were not settled yet."""
        return self._waiting

    def append(self, line: bytes) -> None:
        """Add one line, which must end in a newline and hold no other. Never raises: what cannot be kept is counted."""
        with self._lock:
            if self._waiting + len(line) > self.limit_bytes:
                self.dropped += 1
                return
            try:
                segment = self._writing
                if segment is None or segment.size >= SEGMENT_BYTES:
                    segment = self._writing = self._open_new()
                if os.write(segment.fd, line) != len(line):
                    raise OSError("the disk is full")
            except OSError:
                self.dropped += 1
                self._writing = None  # a torn line ends its segment
                return
            segment.size += len(line)
            self._waiting += len(line)

    def take(self, most_bytes: int) -> tuple[list[bytes], Segment, int] | None:
        """The oldest lines, their segment and the place after them; None when there are none. Settle them next."""
        with self._lock:
            segments = list(self._segments)
        for segment in segments:
            if segment.read < segment.size:
                chunk = os.pread(segment.fd, min(most_bytes, segment.size - segment.read), segment.read)
                end = chunk.rfind(b"\n") + 1
                if not end:  # one line longer than asked for, or torn at the end of a dead process
                    chunk = os.pread(segment.fd, segment.size - segment.read, segment.read)
                    end = chunk.find(b"\n") + 1
                if not end:
                    self.dropped += 1
                    self.settle(segment, segment.size)
                    continue
                return chunk[: end - 1].split(b"\n"), segment, segment.read + end
        return None

    def settle(self, segment: Segment, place: int) -> None:
        """What lies before the place is done with; a segment that is read to its end is deleted."""
        with self._lock:
            self._waiting -= place - segment.read
            segment.read = place
            if segment.read >= segment.size and (segment is not self._writing or segment.size > SEGMENT_BYTES // 8):
                if segment is self._writing:
                    self._writing = None
                self._remove(segment)

    def adopt(self) -> None:
        """Take over the segments of processes that are gone."""
        mine = {segment.path for segment in self._segments}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path in mine:
                continue
            with contextlib.suppress(OSError):  # another process was quicker, or is alive
                fd = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    size = os.fstat(fd).st_size
                    if not path.exists():
                        raise FileNotFoundError(path)
                except OSError:
                    os.close(fd)
                    raise
                with self._lock:
                    self._segments.appendleft(Segment(path, fd, size=size))
                    self._waiting += size

    def close(self) -> None:
        """Leave what is waiting to the next process, and no empty file."""
        with self._lock:
            for segment in list(self._segments):
                if segment.read >= segment.size:
                    self._remove(segment)
                else:
                    os.close(segment.fd)
            self._segments.clear()
            self._writing = None

    def forget(self) -> None:
        """In a forked child: the segments are the parent's."""
        self._lock = threading.Lock()
        for segment in self._segments:
            with contextlib.suppress(OSError):
                os.close(segment.fd)
        self._segments.clear()
        self._writing, self._waiting, self.dropped = None, 0, 0

    def _open_new(self) -> Segment:
        path = self.folder / f"{time.time_ns()}-{os.getpid()}{SUFFIX}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        segment = Segment(path, fd)
        self._segments.append(segment)
        return segment

    def _remove(self, segment: Segment) -> None:
        with contextlib.suppress(OSError):
            segment.path.unlink()
        os.close(segment.fd)
        self._segments.remove(segment)
