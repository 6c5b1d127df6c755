"""`manage.py start`: database, demo, web, Celery worker and scheduler under one supervisor."""

import io
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from optimizer_app.jobs import PROMPT
from optimizer_app.management.static_files import static_collect
from optimizer_app.management.supervisor import Child, supervise
from optimizer_app.services.demo import demo_load
from optimizer_app.services.people import FIRST_ADMIN, first_admin_create

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Everything Uplift needs, until Ctrl-C."""

    help = "Prepare the database and run web, worker and scheduler together."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default=HOST, help="Address to listen on; the default is this machine only.")
        parser.add_argument("--no-demo", action="store_true", help="Start without the demo workers.")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        self._check_free(host, port)
        self.stdout.write(f"Preparing {settings.DATA_DIR} …")
        call_command("migrate", verbosity=0)
        static_collect()
        password = first_admin_create()
        call_command("sync_code", verbosity=0, stdout=io.StringIO())
        if not options["no_demo"]:
            demo_load()
        url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
        self.stdout.flush()
        if settings.SETTINGS_MODULE == "optimizer_app.settings":  # nobody asked for others
            del os.environ["DJANGO_SETTINGS_MODULE"]  # so that Celery's workers take their own
        supervise(_children(host, port), greeting=self._greeting(url, password))

    def _check_free(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(f"Port {port} cannot be used ({error.strerror}). Try --port {port + 1}.") from None

    def _greeting(self, url: str, password: str | None) -> str:
        known = "Sign in with your account. Forgotten? Run: manage.py changepassword admin"
        new = f"Sign in as {FIRST_ADMIN} with the password {password}  (shown this once)"
        ready = self.style.SUCCESS(f"Uplift is ready: {url}/")
        return f"\n{ready}\n{new if password else known}\nStop with Ctrl-C.\n"


def _children(host: str, port: int) -> list[Child]:
    celery = [sys.executable, "-m", "celery", "-A", "optimizer_app.celery"]
    web = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
        "4",
        "--no-ws",
        "--log-level",
        "warning",
        "optimizer_app.wsgi:application",
    ]
    worker = [
        *celery, "--quiet", "worker", "--loglevel", "WARNING", "--autoscale", f"{settings.WORKER_PROCESSES},0",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    upkeep = [
        *celery, "--quiet", "worker", "--loglevel", "WARNING", "--queues", ",".join(PROMPT), "--hostname", "upkeep@%h",
        "--pool", "threads", "--concurrency", "4",  # a slow webhook must not hold the ticks up
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return [
        Child("web", web, health=(host, port)),
        # SIGTERM would let a worker finish its run first, which may take an hour; a killed run resumes.
        Child("worker", worker, orphan_signal=signal.SIGKILL),
        Child("scheduler", upkeep, orphan_signal=signal.SIGKILL),
    ]
