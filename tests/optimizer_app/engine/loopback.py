"""An OpenAI-compatible server on this machine that answers well or fails on purpose, by model name."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from optimizer_app.engine.offline.lm import LexicalEngine

FAULTS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "unauthorized": (401, {"message": "Incorrect API key", "code": "invalid_api_key"}, {}),
    "unknown": (404, {"message": "The model does not exist", "code": "model_not_found"}, {}),
    "limited": (429, {"message": "Slow down", "code": "rate_limit_exceeded"}, {}),
    "patient": (429, {"message": "Slow down", "code": "rate_limit_exceeded"}, {"Retry-After": "1"}),
    "quota": (
        429,
        {"message": "You exceeded your quota", "type": "insufficient_quota", "code": "insufficient_quota"},
        {},
    ),
    "failing": (500, {"message": "boom"}, {}),
}


class Server(ThreadingHTTPServer):
    """Counts the requests of each model; `once` models fail only the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: Counter[str] = Counter()
        self.slow_s = 30.0
        self.failing: set[str] = set()  # models that answer 500 for now
        self.delays: dict[str, float] = {"steady": 0.05}  # seconds before an answer, by model

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    """POST /v1/chat/completions"""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model: str = body["model"]
        self.server.requests[model] += 1
        kind = model.removesuffix("-once")
        if kind in FAULTS and (kind == model or self.server.requests[model] == 1):
            status, error, headers = FAULTS[kind]
            return self._send(status, {"error": error}, headers)
        if model in self.server.failing:
            return self._send(500, {"error": {"message": "boom"}})
        if model == "slow":
            time.sleep(self.server.slow_s)
        if model == "malformed":
            return self._send(200, b"<html>not json</html>")
        time.sleep(self.server.delays.get(model, 0.0))
        text = "no fields here" if model == "chatty" else self._answer(body)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return self._send(
            200,
            {"id": "1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage},
        )

    def _answer(self, body: dict[str, Any]) -> str:
        system = "\n".join(m["content"] for m in body["messages"] if m["role"] == "system")
        said = [(m["role"], m["content"]) for m in body["messages"] if m["role"] != "system"]
        return LexicalEngine().reply(system, said, body["model"], body.get("temperature") or 0.0)

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def serving() -> Iterator[Server]:
    """A running server."""
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
