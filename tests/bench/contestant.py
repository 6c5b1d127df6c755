"""Uplift as a contestant of the yardsticks against MLflow and Phoenix; `tests/bench/peers.py` puts it beside them.

It runs in the yardsticks' folder and uses their modules `common` and `contestants`.
"""

import json
import os
import subprocess
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import common
from contestants.base import Base

PROJECT = Path(os.environ["UPLIFT_PROJECT"])
PYTHON = PROJECT / ".venv" / "bin" / "python"
TOKEN = common.WORK / "uplift-token"
INPUTS = [{"name": "question"}, {"name": "context"}]
OUTPUTS = [{"name": "reason"}, {"name": "answer"}]


def row(e: dict[str, Any]) -> dict[str, Any]:
    """One synthetic execution as the ingest API takes it."""
    values = {
        "id": e["id"],
        "worker": e["worker"],
        "started_at": datetime.fromtimestamp(e["started_at"], UTC).isoformat(),
        "inputs": e["inputs"],
        "outputs": e["outputs"],
        "latency_ms": e["latency_s"] * 1000,
        "tokens_in": e["input_tokens"],
        "tokens_out": e["output_tokens"],
        "cost_usd": e["input_cost"] + e["output_cost"],
        "model": f"{e['provider']}/{e['model']}",
        "score": e["score"],
    }
    return values | ({"error": e["error"], "error_kind": "ValueError"} if e["error"] else {})


class Contestant(Base):
    name = "uplift"
    server_venv = PROJECT / ".venv"
    client_python = PYTHON
    port = 5931
    health_path = "/healthz"
    ui_path = "/login/"

    def server_cmd(self) -> list[Any]:
        return [PYTHON, PROJECT / "manage.py", "start", "--port", self.port, "--no-demo"]

    def server_env(self) -> dict[str, str]:
        env = {"UPLIFT_DATA_DIR": str(self.data), "PYTHONPATH": str(PROJECT)}
        if self.backend == "postgres":
            from contestants import pg

            env["DATABASE_URL"] = pg.uri("uplift_bench", "postgresql")
        return env

    def prepare(self) -> None:
        TOKEN.unlink(missing_ok=True)
        if self.backend == "postgres":
            from contestants import pg

            pg.recreate("uplift_bench")

    def db_cpu(self) -> float:
        if self.backend != "postgres":
            return 0.0
        from contestants import pg

        return float(pg.cpu())

    def disk_bytes(self) -> int:
        stored = int(super().disk_bytes())
        if self.backend == "postgres":
            from contestants import pg

            stored += pg.size("uplift_bench")
        return stored

    def after_start(self) -> None:
        """A token and the five workers, once; senders read the token."""
        if not TOKEN.exists():
            command = [PYTHON, PROJECT / "manage.py", "create_token", "--name", "bench", "--scope", "record", "read"]
            env = os.environ | self.server_env()
            made = subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, check=True)
            TOKEN.write_text(made.stdout.strip().splitlines()[-1])
            step = {
                "name": "answer",
                "module": "Predict",
                "instructions": "Answer.",
                "inputs": INPUTS,
                "outputs": OUTPUTS,
            }
            for worker in common.WORKERS:
                self._call("POST", "/workers/register", {"name": worker, "program": {"steps": [step]}})
        self.token = TOKEN.read_text()

    @cached_property
    def _session(self) -> str:
        """The cookie of a person who may read."""
        code = (
            "from django.contrib.auth.models import User; from django.test import Client; c = Client(); "
            "c.force_login(User.objects.get_or_create(username='bench', is_superuser=True, is_staff=True)[0]); "
            "print('sessionid=' + c.cookies['sessionid'].value)"
        )
        command = [str(PYTHON), str(PROJECT / "manage.py"), "shell", "-c", code]
        env = os.environ | self.server_env()
        made = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return made.stdout.strip().splitlines()[-1]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN.read_text()}"}
        return common.http(method, f"{self.url}/api/v1{path}", body, headers)

    def encode_batches(self, execs: list[dict[str, Any]], batch: int) -> list[bytes]:
        lines = [json.dumps(row(e)).encode() for e in execs]
        return [b"\n".join(lines[start : start + batch]) for start in range(0, len(lines), batch)]

    def send_batch(self, conn: Any, payload: bytes) -> int:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"}
        conn.request("POST", "/api/v1/executions", payload, headers)
        response = conn.getresponse()
        answer = json.loads(response.read() or b"{}")
        if response.status == 200 and answer["errors"]:
            raise RuntimeError(str(answer["errors"][0]))
        return int(response.status)

    def count(self) -> int:
        return int(self._call("GET", "/executions/count")["count"])

    def _page(self, path: str) -> Any:
        return lambda: common.http("GET", self.url + path, None, {"Cookie": self._session}, raw=True)

    def pages(self) -> dict[str, list[Any]]:
        """The whole pages, as a signed-in person gets them: everything that they show is in one answer each."""
        return {
            "overview": [("overview", self._page("/?period=30d"))],
            "list": [("executions", self._page("/executions/"))],
        }

    def query_dashboard(self) -> dict[str, Any]:
        return {
            "list_100": lambda: self._call("GET", "/executions"),
            "list_errors": lambda: self._call("GET", "/executions?outcome=error"),
            "list_text_search": self._page("/executions/?text=zuzuzu"),
            "count": self.count,
        }

    def instrument(self) -> None:
        from optimizer_app import sdk

        self.token = TOKEN.read_text()
        self.collector = sdk.configure(url=self.url, token=self.token, folder=common.WORK / "data" / "uplift-spool")

    def decorate(self, predict: Any) -> Any:
        from optimizer_app import sdk

        @sdk.dspy_worker("qa_worker", inputs=INPUTS, outputs=[{"name": "reasoning"}, {"name": "answer"}][1:])
        def answer(question: str, context: str) -> Any:
            return predict(question=question, context=context)

        return answer

    def flush(self) -> None:
        assert self.collector.flush(120)
