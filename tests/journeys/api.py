"""The API of a running installation, for journeys that need no browser."""

import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.factories.workers import routing_program, routing_rows
from tests.journeys.installation import Installation


class Api:
    """Calls with a token that may do everything."""

    def __init__(self, installation: Installation) -> None:
        scopes = ("read", "predict", "record", "operate", "approve", "admin")
        self._token = installation.command("create_token", "--name", "journey", "--scope", *scopes)
        self._url = f"{installation.url}/api/v1"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        request = Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=30) as response:
                return json.load(response)
        except HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def queue_run(self, model_address: str = "", model: str = "steady", optimizer: str = "LabeledFewShot") -> int:
        """A worker with data and a run in the queue; with an address, on the model served there."""
        model_id = self("GET", "/language-models")["items"][0]["id"]
        if model_address:
            described = {"name": "Loopback", "model": f"openai/{model}", "api_base": model_address, "api_key": "k"}
            model_id = self("POST", "/language-models", described)["id"]
        metric = self("GET", "/metrics")["items"][0]["id"]
        body = {"name": "Routing", "program": routing_program(), "language_model_id": model_id, "metric_id": metric}
        worker = self("POST", "/workers", body)["id"]
        dataset = self("POST", "/datasets", {"name": "Messages", "worker_id": worker})["id"]
        self("POST", f"/datasets/{dataset}/examples", {"rows": routing_rows()})
        version = self("POST", f"/datasets/{dataset}/versions", {"stratify_by": "team"})["id"]
        run = {"worker_id": worker, "dataset_version_id": version, "optimizer": optimizer, "seed": 1}
        return int(self("POST", "/runs", run)["id"])

    def wait_for(self, run: int, *statuses: str, seconds: float = 90) -> Any:
        """The run once it has one of the statuses."""
        deadline = time.monotonic() + seconds
        while (found := self("GET", f"/runs/{run}"))["status"] not in statuses:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found
