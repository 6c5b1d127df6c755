"""What the faults happen to: an installation with its own database and broker, a language model, a webhook's
receiver."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.analytics.services.sinks import Sink, sinking
from tests.chaos.load import Client, Executions, Load, Runs
from tests.chaos.services import OwnRedis
from tests.factories.workers import routing_program, routing_rows
from tests.journeys.cluster import Cluster
from tests.journeys.installation import Installation
from tests.optimizer_app.engine.loopback import Server, serving

PREPARE = """
from analytics.services.channels import channel_save
from optimizer_app.common.access import SYSTEM
config = {{"url": "{url}", "secret": "a key of more than sixteen"}}
channel_save(None, by=SYSTEM, name="hook", kind="webhook", worker=None, config=config, topics=["runs"])
"""
FACTS = """
import json
from collections import Counter
from analytics.models import Delivery
from optimizer_app.models import AuditEvent, Execution, IngestBatch, Promotion, Run
finishes = Counter(AuditEvent.objects.filter(verb="run.finish").values_list("object_id", flat=True))
print(json.dumps({
    "open": list(Run.objects.exclude(status__in=Run.ENDED).values_list("pk", "status")),
    "runs": list(Run.objects.values_list("pk", flat=True)),
    "failed": list(Run.objects.filter(status="failed").values_list("message", flat=True)),
    "finishes": {int(pk): n for pk, n in finishes.items()},
    "executions": Execution.objects.count(),
    "batches": IngestBatch.objects.count(),
    "promotions": Promotion.objects.count(),
    "unsent": Delivery.objects.exclude(status="sent").count(),
    "keys": list(Delivery.objects.values_list("key", flat=True)),
}))
"""
QUIET_S = 120


@dataclass
class Stage:
    """Everything that can be broken."""

    installation: Installation
    lm: Server
    sink: Sink
    cluster: Cluster | None
    redis: OwnRedis | None
    client: Client
    order: dict[str, Any]
    loads: list[Load] = field(default_factory=list)

    def begin(self, seed: int) -> None:
        """Load, from three threads."""
        self.loads = [
            Executions(self.client, seed), Executions(self.client, seed + 1), Runs(self.client, seed, self.order)
        ]  # fmt: skip
        for load in self.loads:
            load.start()

    def end(self) -> None:
        """No more load, and time for what is under way to finish. Raises AssertionError where something stays open."""
        for load in self.loads:
            load.stop()
        deadline = time.monotonic() + QUIET_S
        while (told := self.facts())["open"] or told["batches"] or told["unsent"]:
            assert time.monotonic() < deadline, f"stuck: {told['open']} {told['batches']} {told['unsent']}"
            time.sleep(1)

    def facts(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.installation.command("shell", "-v0", "-c", FACTS).splitlines()[-1])
        return told

    def acknowledged(self) -> list[dict[str, Any]]:
        return [row for load in self.loads if isinstance(load, Executions) for row in load.acknowledged]

    def check(self) -> dict[str, int]:
        """Nothing that was promised is lost, nothing is doubled, nothing is stuck, every invariant holds."""
        problems = [text for load in self.loads for text in load.problems]
        assert not problems, problems[:5]
        rows, told = self.acknowledged(), self.facts()
        assert told["executions"] >= len(rows)
        for start in range(0, len(rows), 1000):
            part = rows[start : start + 1000]
            answer = self.client("POST", "/executions", {"executions": part})
            kept = (answer["accepted"], answer["duplicates"]) == (0, len(part))
            assert kept, f"an acknowledged execution was lost: {start} of {len(rows)}, {answer}"
        started = [run for load in self.loads if isinstance(load, Runs) for run in load.started]
        assert set(started) <= set(told["runs"]), "an acknowledged run was lost"
        assert told["finishes"] == {str(run): 1 for run in told["runs"]}, "a run ended twice or not at all"
        promoted = sum(load.promoted for load in self.loads if isinstance(load, Runs))
        assert told["promotions"] >= promoted
        whole = [body for headers, body in self.sink.got if len(body) == int(headers["Content-Length"])]
        sent = [json.loads(body) for body in whole]  # a sender that was killed leaves half a request
        assert len(told["keys"]) == len(set(told["keys"])), "a message was recorded twice"
        assert len(sent) >= len(told["keys"]), "a message did not arrive"
        said = self.installation.command("integrity", "--bodies")
        assert "broken" not in said, said
        assert "whole" in self.installation.command("verify_audit")
        return {"executions": len(rows), "runs": len(told["runs"]), "promotions": promoted, "messages": len(sent)}


@contextmanager
def staged(folder: Path, programs: Path | None) -> Iterator[Stage]:
    """Built and torn down. `programs` holds PostgreSQL's; without it the embedded default is on stage."""
    with ExitStack() as stack:
        lm, sink = stack.enter_context(serving()), stack.enter_context(sinking())
        lm.delays["steady"] = 0.01
        folder.mkdir(parents=True)
        cluster = redis = None
        environment = {"UPLIFT_INGEST_RATE": "0"}
        if programs:
            cluster, redis = Cluster(programs, folder / "pg"), OwnRedis(folder / "redis")
            cluster.create()
            stack.callback(cluster.kill)
            redis.start()
            stack.callback(redis.kill)
            environment |= {"DATABASE_URL": cluster.url, "BROKER_URL": redis.url}
        installation = Installation(folder / "i", environment).start()
        stack.callback(installation.stop)
        scopes = ("read", "predict", "record", "operate", "approve", "admin")
        client = Client(installation, installation.command("create_token", "--name", "chaos", "--scope", *scopes))
        installation.command("shell", "-v0", "-c", PREPARE.format(url=sink.url))
        yield Stage(installation, lm, sink, cluster, redis, client, _order(client, lm))


def _order(client: Client, lm: Server) -> dict[str, Any]:
    model = client(
        "POST", "/language-models", {"name": "L", "model": "openai/steady", "api_base": lm.url, "api_key": "k"}
    )
    metric = client("GET", "/metrics")["items"][0]["id"]
    body = {"name": "Routing", "program": routing_program(), "language_model_id": model["id"], "metric_id": metric}
    worker = client("POST", "/workers", body)["id"]
    dataset = client("POST", "/datasets", {"name": "Messages", "worker_id": worker})["id"]
    client("POST", f"/datasets/{dataset}/examples", {"rows": routing_rows()})
    version = client("POST", f"/datasets/{dataset}/versions", {"stratify_by": "team"})["id"]
    return {"worker_id": worker, "dataset_version_id": version, "optimizer": "LabeledFewShot"}
