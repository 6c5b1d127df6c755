"""A PostgreSQL server of a test's own, which it may kill."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.journeys.installation import free_port


def postgresql_programs() -> Path:
    """The folder of its server programs. Raises LookupError where they are not installed."""
    config = shutil.which("pg_config")
    if config is None:
        raise LookupError("PostgreSQL's programs are not installed (pg_config).")
    return Path(subprocess.check_output([config, "--bindir"], text=True).strip())


class Cluster:
    """Runs as the user postgres where the test runs as root, which PostgreSQL refuses."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder, self.port = programs, folder, free_port()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        self.folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            temporary = Path(tempfile.gettempdir())
            for parent in self.folder.parents:
                if temporary in parent.parents:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(self.folder), "-A", "trust", "-U", "postgres")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        """kill -9 of the server and all its processes."""
        with suppress(FileNotFoundError, ProcessLookupError):
            server = int((self.folder / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{server}/task/{server}/children")
            pids = [server, *map(int, children.read_text().split() if children.exists() else [])]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            while any(Path(f"/proc/{pid}").exists() for pid in pids):
                time.sleep(0.05)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
