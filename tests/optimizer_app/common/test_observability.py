"""What an operator sees from outside: lines with ids, errors in Sentry, spans in a collector, and no secret in any."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parents[3]
SECRET = "sk-neverleavesthehouse"


class Sink(ThreadingHTTPServer):
    """Takes whatever is sent and keeps it."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Taking)


class Taking(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.path, gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def run(script: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, as the web process or a worker starts."""
    own = {"UPLIFT_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "optimizer_app.settings"}
    environment = os.environ | own | {"UPLIFT_ALLOWED_HOSTS": "testserver"} | variables
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)


REQUEST = """
from optimizer_app.wsgi import application
from django.test import Client
client = Client(raise_request_exception=False)
client.get("/nowhere-at-all/", headers={"X-Request-ID": "given-by-the-proxy"})
"""
TASK = """
import logging, threading
from celery.contrib.testing.worker import start_worker
from optimizer_app.celery import app
import django
django.setup()
from optimizer_app.common.log_context import log_context
from optimizer_app.common.queue import enqueue
said = threading.Event()
@app.task(name="speak")
def speak(run_id):
    logging.getLogger("uplift").warning("spoken")
    said.set()
with log_context(request_id="given-by-the-proxy"):
    enqueue("speak", run_id=7)
with start_worker(app, pool="solo", perform_ping_check=False):
    assert said.wait(30)
"""
BREAK = f"""
import logging
from optimizer_app.wsgi import application
from optimizer_app.common.log_context import log_context
def broken(told):
    raise ValueError("it broke")
with log_context(request_id="abcdef123456", run_id=7):
    try:
        broken("{SECRET}")
    except ValueError:
        logging.getLogger("uplift").exception("A run failed.")
import sentry_sdk
sentry_sdk.flush(5)
"""
SPANS = """
from optimizer_app.wsgi import application
from django.test import Client
Client().get("/healthz")
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
"""


def test_lines_are_json_with_the_callers_id_where_asked(tmp_path: Path) -> None:
    said = run(REQUEST, tmp_path, UPLIFT_LOG_FORMAT="json", UPLIFT_LOG_LEVEL="INFO").stderr
    lines = [json.loads(line) for line in said.splitlines()]

    told = [line for line in lines if line["logger"] == "uplift.requests"]
    assert [(line["request_id"], line["level"]) for line in told] == [("given-by-the-proxy", "INFO")]
    assert told[0]["message"].startswith("GET /nowhere-at-all/ 302 ")


def test_lines_of_a_task_name_it_its_run_and_the_request_that_asked_for_it(tmp_path: Path) -> None:
    said = run(TASK, tmp_path, UPLIFT_LOG_FORMAT="json", BROKER_URL="memory://").stderr
    (line,) = [line for line in map(json.loads, said.splitlines()) if line["message"] == "spoken"]
    assert (line["task"], line["run_id"], line["request_id"]) == ("speak", "7", "given-by-the-proxy")
    assert len(line["task_id"]) == 36


def test_a_line_for_people_ends_with_its_ids(tmp_path: Path) -> None:
    said = run(REQUEST, tmp_path, UPLIFT_LOG_LEVEL="INFO").stderr
    assert said.strip().endswith("[request_id=given-by-the-proxy]")


@pytest.mark.django_db
def test_every_answer_has_an_id_and_none_is_somebody_elses_text() -> None:
    answer = Client().get("/healthz", headers={"X-Request-ID": "x y\u00e4"})
    assert len(answer["X-Request-ID"]) == 32


def test_an_unknown_format_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(REQUEST, tmp_path, UPLIFT_LOG_FORMAT="xml")
    assert "UPLIFT_LOG_FORMAT='xml' is none of line, json." in failed.value.stderr


def test_errors_reach_sentry_without_what_variables_held(tmp_path: Path, sink: Sink) -> None:
    run(BREAK, tmp_path, SENTRY_DSN=f"http://key@127.0.0.1:{sink.server_port}/1")

    sent = b"".join(body for _, body in sink.bodies).decode()
    assert "it broke" in sent
    assert '"run_id":"7"' in sent.replace(" ", "")
    assert SECRET not in sent


def test_requests_reach_a_collector(tmp_path: Path, sink: Sink) -> None:
    done = run(SPANS, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{sink.server_port}")

    assert [path for path, _ in sink.bodies] == ["/v1/traces"], done.stderr
    assert b"healthz" in sink.bodies[0][1]
    assert b"uplift" in sink.bodies[0][1]
