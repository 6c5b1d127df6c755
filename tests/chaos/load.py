"""Mixed load that remembers what it was promised: executions, runs, promotions."""

import json
import random
import threading
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.journeys.installation import Installation

BUSY = (429, 502, 503)  # said to be tried again
BATCH = 20
AT_ONCE = 2


def plain_rows(count: int, started_at: str = "2026-11-20T12:00:00Z") -> list[dict[str, Any]]:
    """Executions of the routing worker as a program sends them, each with an id of its own."""
    return [
        {
            "id": str(uuid4()), "worker": "Routing", "started_at": started_at, "latency_ms": 5.0,
            "inputs": {"message": "where is my parcel"}, "outputs": {"team": "K3"},
        }
        for _ in range(count)
    ]  # fmt: skip


class Refused(Exception):  # noqa: N818 - an answer
    """The server answered, and it was no yes."""


class Client:
    """The API with one token. Raises OSError where nobody answered, Refused where the answer is an error."""

    def __init__(self, installation: Installation, token: str) -> None:
        self.url, self.token = f"{installation.url}/api/v1", token

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self.url + path, data, headers, method=method), timeout=30) as response:
                return json.load(response)
        except HTTPError as error:
            if error.code in BUSY:
                raise URLError(f"{error.code}") from None
            raise Refused(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from None
        except HTTPException as error:  # cut off within the answer, which urllib tells otherwise than within its head
            raise URLError(repr(error)) from None


class Load(threading.Thread):
    """Runs until stopped; `problems` holds answers that no fault excuses."""

    def __init__(self, client: Client, seed: int) -> None:
        super().__init__(daemon=True)
        self.client, self.random = client, random.Random(seed)
        self.stopping = threading.Event()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.step()
            except (OSError, ValueError):
                time.sleep(0.1)  # killed, restarting, or cut off in the middle of an answer
            except Refused as refused:
                self.problems.append(str(refused))
            except Exception as error:
                self.problems.append(repr(error))
                raise

    def step(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.stopping.set()
        self.join(60)


class Executions(Load):
    """Sends batches and keeps the rows that were acknowledged."""

    def __init__(self, client: Client, seed: int) -> None:
        super().__init__(client, seed)
        self.acknowledged: list[dict[str, Any]] = []

    def step(self) -> None:
        rows = plain_rows(BATCH)
        answer = self.client("POST", "/executions", {"executions": rows})
        if answer["accepted"] != BATCH:
            self.problems.append(f"accepted {answer}")
        self.acknowledged += rows
        time.sleep(0.02)


class Runs(Load):
    """Keeps some runs under way, promotes their winners or rolls back."""

    def __init__(self, client: Client, seed: int, order: dict[str, Any]) -> None:
        super().__init__(client, seed)
        self.order, self.started = order, list[int]()
        self.promoted = 0

    def step(self) -> None:
        time.sleep(0.2)
        runs = self.client("GET", "/runs?limit=200")["items"]
        under_way = [run for run in runs if run["status"] not in ("succeeded", "failed", "cancelled")]
        if len(under_way) < AT_ONCE:
            seed = self.random.randrange(1000)
            self.started.append(self.client("POST", "/runs", self.order | {"seed": seed})["id"])
        worker = self.order["worker_id"]
        versions = self.client("GET", f"/workers/{worker}/versions")["items"]
        active = self.client("GET", f"/workers/{worker}")["active_version_id"]
        others = [version for version in versions if version["id"] != active]
        if others:
            version = self.random.choice(others)["id"]
            self.client("POST", f"/versions/{version}/promote", {"reason": "chaos"})
            self.promoted += 1
