"""A running installation of Uplift, started by its one command, with a folder and ports of its own."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
READY_S = 90


def free_port() -> int:
    """Below the range of outgoing connections, which would take it before its server starts, or while it is killed."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Installation:
    """`manage.py start` as a newcomer runs it; `environment` may point it to another database or broker."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("--no-demo",)
    port: int = field(default_factory=free_port)
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "start.log"

    def variables(self) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")
        }
        return kept | {"UPLIFT_DATA_DIR": str(self.folder / "data")} | self.environment

    def start(self) -> "Installation":
        self.folder.mkdir(parents=True, exist_ok=True)
        said_before = self.log.read_text() if self.log.exists() else ""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "start", "--port", str(self.port), *self.arguments],
                cwd=ROOT, env=self.variables(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + READY_S
        while "Uplift is ready" not in self.log.read_text().removeprefix(said_before):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Uplift did not start:\n{self.log.read_text()}")
            time.sleep(0.1)
        if found := re.search(r"password (\S+)", self.log.read_text()):
            self.password = found[1]
        return self

    def command(self, *arguments: str) -> str:
        """The output of a management command on this installation."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, f"{arguments}: {done.stderr}")
        return done.stdout.strip()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def memory_mb(self) -> tuple[float, float]:
        """Of all processes: RSS, which counts shared pages once for each of them, and PSS, which counts them once."""
        sums = {"Rss:": 0, "Pss:": 0}
        for pid in self.processes():
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    name = line.split()[0]
                    if name in sums:
                        sums[name] += int(line.split()[1])
        return sums["Rss:"] / 1024, sums["Pss:"] / 1024

    def processes(self, word: str = "") -> list[int]:
        """Every living process of this installation, found by its data folder; `word` narrows by command line."""
        mark = f"UPLIFT_DATA_DIR={self.folder / 'data'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError):
                mine = mark in (entry / "environ").read_bytes().split(b"\0")
                if mine and word in (entry / "cmdline").read_bytes().decode():
                    found.append(int(entry.name))
        return found

    def healthy(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False
