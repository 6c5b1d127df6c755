"""Where records go: a server over HTTP, or a file. Another process of the same Django has its own transport."""

import gzip
import http.client
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

import msgspec

Kind = Literal["executions", "feedback"]
PATHS: dict[Kind, str] = {"executions": "/api/v1/executions", "feedback": "/api/v1/executions/feedback"}
TIMEOUT_S = 20


class UnavailableError(Exception):
    """Nothing can be sent now; what waits is kept. `retry_after_s` is the server's wish, if it had one."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class RefusedError(Exception):
    """The server will never take this as it is; the message says why."""


@dataclass(frozen=True)
class Registration:
    """What a worker says of itself. `program` is a program as data; `stand_in` when it only describes the fields."""

    name: str
    description: str
    program: dict[str, Any]
    stand_in: bool
    metric: str
    optimization: dict[str, Any]
    collect: bool


class Transport(Protocol):
    """What the collector's thread needs of the other side."""

    def send(self, kind: Kind, lines: list[bytes]) -> list[str]:
        """Deliver JSON lines; sentences about those that were refused. Raises UnavailableError or RefusedError."""

    def register(self, registration: Registration) -> None:
        """Make the worker known. Raises UnavailableError or RefusedError."""

    def close(self) -> None:
        """Let go of what is held open."""

    def active(self, name: str, known: str) -> dict[str, Any] | None:
        """The active version: {"etag", "version", "program", "state"}; None while it is the one `known` names."""


class HttpTransport:
    """A server, with one connection that is kept open."""

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url)
        if self._address.scheme not in ("http", "https") or not self._address.hostname:
            raise ValueError(f"“{url}” is no address of a server; it looks like https://uplift.example.")
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def send(self, kind: Kind, lines: list[bytes]) -> list[str]:
        body = gzip.compress(b"\n".join(lines), compresslevel=1)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        _, answer, _ = self._call("POST", PATHS[kind], body, headers)
        return [f"row {error['row']}, id {error['id']}: {error['detail']}" for error in answer["errors"]]

    def register(self, registration: Registration) -> None:
        body = msgspec.json.encode(registration, enc_hook=str)
        self._call("POST", "/api/v1/workers/register", body, {"Content-Type": "application/json"})

    def active(self, name: str, known: str) -> dict[str, Any] | None:
        path = f"/api/v1/workers/active?name={quote(name, safe='')}"
        headers = {"If-None-Match": f'"{known}"'} if known else {}
        status, answer, etag = self._call("GET", path, None, headers, refused=(http.HTTPStatus.NOT_FOUND,))
        return None if status == http.HTTPStatus.NOT_MODIFIED else {**answer, "etag": etag.strip('"')}

    def _call(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], refused: tuple[int, ...] = ()
    ) -> tuple[int, Any, str]:
        headers = {**headers, "Authorization": f"Bearer {self._token}"}
        try:
            connection = self._open()
            connection.request(method, self._address.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnavailableError(f"{type(error).__name__}: {error}") from None
        return response.status, self._answer(response, raw, refused), response.headers.get("ETag", "")

    def _answer(self, response: http.client.HTTPResponse, raw: bytes, refused: tuple[int, ...]) -> Any:
        if response.status == http.HTTPStatus.NOT_MODIFIED:
            return None
        try:
            answer = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            answer = {"detail": raw[:200].decode(errors="replace")}
        if response.status < 300:
            return answer
        detail = f"{response.status} {answer.get('detail', '') if isinstance(answer, dict) else answer}"
        later = response.status in (401, 403, 404, 408, 429) or response.status >= 500
        if later and response.status not in refused:
            wish = response.headers.get("Retry-After", "")
            raise UnavailableError(detail, float(wish) if wish.isdigit() else None)
        raise RefusedError(detail)

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            secure = self._address.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            self._connection = kind(self._address.hostname or "", self._address.port, timeout=TIMEOUT_S)
        return self._connection

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class FileTransport:
    """Two files of JSON lines, executions in `path` and feedback beside it in `path`.feedback: each can be posted to
    its address as it is, with Content-Type application/x-ndjson."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, kind: Kind, lines: list[bytes]) -> list[str]:
        try:
            path = self._path if kind == "executions" else self._path.with_name(f"{self._path.name}.feedback")
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(fd, "ab") as file:
                file.write(b"\n".join(lines) + b"\n")
        except OSError as error:
            raise UnavailableError(f"{self._path}: {error.strerror}") from None
        return []

    def register(self, registration: Registration) -> None:
        """Nobody to tell."""

    def active(self, name: str, known: str) -> dict[str, Any] | None:
        """A file has no versions."""
        return None

    def close(self) -> None:
        """Nothing is held open."""
