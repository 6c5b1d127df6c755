"""The whole loop on the built-in model: traffic, a world that changes, an alarm, a run, a gate, a promotion, recovery.

In the hopeless story the new answers follow no rule, so no optimization can help and nothing is promoted.
"""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from analytics.models import Channel
from analytics.services.channels import channel_save
from analytics.services.trigger_policies import triggers_set
from analytics.services.values import value_set
from analytics.services.watching import watch_set
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Dataset, LanguageModel, Metric, ProgramVersion, Run, Split, Worker
from optimizer_app.sdk.payload import ExecutionRecord
from optimizer_app.selectors.canaries import answering
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.executions import Receipt, executions_record
from optimizer_app.services.runs import run_create
from optimizer_app.services.serving import predict
from optimizer_app.services.workers import worker_create

World = Mapping[str, tuple[str, ...]]
OLD: World = {
    "B-1": ("invoice", "payment", "refund", "price", "charge", "receipt"),
    "B-2": ("password", "login", "account", "access", "locked", "code"),
    "B-3": ("parcel", "delivery", "courier", "shipping", "address", "package"),
}
NEW: World = {
    "B-1": ("subscription", "renewal", "plan", "upgrade", "trial", "seat"),
    "B-2": ("passkey", "biometrics", "authenticator", "device", "session", "token"),
    "B-3": ("locker", "pickup", "drone", "customs", "pallet", "depot"),
}
FRAMES = ("My {0} and {1} failed", "Question about {0}, {1}", "{0} again, {1} too", "Trouble with {0} or {1}")
OPTIMIZER = "BootstrapFewShotWithRandomSearch"
PARAMETERS: dict[str, object] = {"max_labeled_demos": 48, "num_candidate_programs": 4}
SHARES = {Split.TRAIN: 0.4, Split.VALIDATION: 0.25, Split.TEST: 0.35}
SEED = 7
SECONDS_APART = 30


class Loop:
    """One telling. `hopeless` is the story in which nothing helps."""

    def __init__(self, name: str, *, hopeless: bool) -> None:
        self.name, self.hopeless = name, hopeless
        self._draw = random.Random(SEED)  # noqa: S311 - a story, not a secret
        self._at = timezone.now() - timedelta(days=1)
        self.worker: Worker
        self.dataset: Dataset

    def prepare(self, webhook: str, *, mail: bool) -> Run:
        """Worker, data, watch, triggers, channels; the first run, which is to be promoted by hand."""
        step = {
            "name": "answer", "module": "Predict", "instructions": "Choose the team for the message.",
            "inputs": [{"name": "message"}], "outputs": [{"name": "team", "type": "enum", "options": list(OLD)}],
        }  # fmt: skip
        self.worker = worker_create(
            by=SYSTEM, name=self.name, description="Plays the whole loop on the built-in model.",
            program={"steps": [step]}, language_model=LanguageModel.objects.filter(model__startswith="offline/")[0],
            metric=Metric.objects.get(name="Exact match"),
        )  # fmt: skip
        self.dataset = dataset_create(by=SYSTEM, name=self.name, description="", worker=self.worker)
        self._teach(OLD, "first examples")
        version = dataset_freeze(self.dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=SEED)
        self._settle()
        self._connect(webhook, mail=mail)
        return run_create(
            by=SYSTEM, worker=self.worker, dataset_version=version, optimizer=OPTIMIZER, parameters=PARAMETERS,
            seed=SEED,
        )  # fmt: skip

    def correct(self) -> int:
        """People correct what the worker gets wrong now: examples of the changed world; how many."""
        return self._teach(NEW, "corrections")

    def catch_up(self) -> None:
        """Calls are of now from here on; before, they are told as of yesterday, so that hours pass."""
        self._at = timezone.now()

    def call(self, times: int, *, changed: bool) -> float:
        """Calls of the active version, scored and recorded; the share that was right."""
        self.worker = Worker.objects.select_related("active_version", "language_model").get(pk=self.worker.pk)
        records, right = [], 0
        for _ in range(times):
            team, message = self._message(NEW if changed else OLD)
            version = answering(self.worker, str(uuid4()))
            served = predict(self.worker, by=SYSTEM, inputs={"message": message}, version=version)
            good = served.outputs.get("team") == team
            right += good
            records.append(self._record(message, served.outputs, served.latency_ms, good, version))
        executions_record(list(enumerate(records)), by=SYSTEM, receipt=Receipt())
        return right / times

    def _settle(self) -> None:
        watch_set(self.worker, by=SYSTEM, enabled=True, days=7, drops={})
        value_set(
            self.worker, by=SYSTEM, correct_usd=0.05, second_usd=0.0, person_hour_usd=60.0, compute_hour_usd=0.12,
            person_hours=0.0, horizon_days=90,
        )  # fmt: skip
        triggers_set(
            self.worker, by=SYSTEM, enabled=True, dry_run=False, optimizer=OPTIMIZER, parameters=PARAMETERS,
            run_calls=5_000, cooldown_hours=0, most_at_once=5, promote="canary", canary_share=0.3, canary_calls=2_000,
            least_gain=0.05, rollback_hours=24,
        )  # fmt: skip

    def _connect(self, webhook: str, *, mail: bool) -> None:
        configs: dict[str, dict[str, Any]] = {}
        if webhook:
            configs[Channel.Kind.WEBHOOK] = {"url": webhook, "secret": "only for the demonstration"}
        if mail:
            configs[Channel.Kind.EMAIL] = {"addresses": ["loop@uplift.example"]}
        for kind, config in configs.items():
            channel_save(
                None, by=SYSTEM, name=f"{self.name}, {kind}", kind=kind, worker=self.worker, config=config,
                topics=("incidents", "runs", "versions"),
            )  # fmt: skip

    def _teach(self, world: World, source: str) -> int:
        rows: dict[str, dict[str, object]] = {}
        for team, words in world.items():
            for frame in FRAMES:
                for number, word in enumerate(words):
                    message = frame.format(word, words[number - 2])
                    rows[message] = {"message": message, "team": self._truth(world, team)}
        numbered = list(enumerate(rows.values(), 1))
        return examples_add(self.dataset, numbered, by=SYSTEM, source=source).added

    def _message(self, world: World) -> tuple[str, str]:
        team = self._draw.choice(list(world))
        words = self._draw.sample(world[team], 2)
        return self._truth(world, team), self._draw.choice(FRAMES).format(*words)

    def _truth(self, world: World, team: str) -> str:
        return self._draw.choice(list(world)) if self.hopeless and world is NEW else team

    def _record(
        self, message: str, outputs: dict[str, object], latency_ms: float, good: bool, version: ProgramVersion | None
    ) -> ExecutionRecord:
        self._at += timedelta(seconds=SECONDS_APART)
        return ExecutionRecord(
            id=uuid4(), worker=self.worker.name,
            started_at=min(self._at, timezone.now()), inputs={"message": message}, outputs=outputs,
            version=version.number if version else None, latency_ms=latency_ms, score=float(good),
            model=self.worker.language_model.model,
        )  # fmt: skip
