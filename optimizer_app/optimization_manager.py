"""OptimizationManager: order optimizations and read how they went. A thin face over the services.

Needs Django set up: see docs/howto/use-from-python.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.dspy_wrapper import SCRIPT
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Batch, Comparison, DatasetVersion, Evaluation, Run, Split, Worker
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.services.batches import Order, batch_create
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.runs import run_create

TRIGGERS = ("manual", "api")
DEFAULT = {"optimizer": "BootstrapFewShotWithRandomSearch"}


@dataclass(frozen=True)
class OptimizationStatus:
    """Where an optimization stands. `improvement` is after minus before on the sealed test split, with its interval."""

    job_id: str
    state: str
    finish_reason: str
    message: str
    phase: str
    done: int
    expected: tuple[int, int]
    calls: int
    cost_usd: float | None
    improvement: float | None
    interval: tuple[float, float] | None
    version: int | None


@dataclass(frozen=True)
class PerformanceMetrics:
    """How a worker does. `score` is the active version's newest on a test split of `n` examples; None if unknown."""

    worker: str
    active_version: int
    score: float | None
    n: int | None
    measured_at: datetime | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cost_per_1000_calls: float | None
    improvement: float | None
    interval: tuple[float, float] | None
    optimizations: int
    spent_usd: float | None


class OptimizationManager:
    """Workers are named by id or name, as text; jobs are runs."""

    def __init__(self, by: Actor = SCRIPT) -> None:
        self.by = by

    def schedule_optimization(
        self, worker_id: str, trigger_type: str = "manual", optimizer_config: Mapping[str, Any] | None = None
    ) -> str:
        """Queue an optimization for the Celery workers; returns its job id.

        Without `optimizer_config` the worker's last settings are used, else random search at its defaults.
        """
        if trigger_type not in TRIGGERS:
            raise Refused(f"“{trigger_type}” starts no optimization from code; {' and '.join(TRIGGERS)} do.")
        return str(self._run(self._worker(worker_id), optimizer_config).pk)

    def execute_optimization(
        self, worker_id: str, optimizer_config: Mapping[str, Any] | None = None
    ) -> OptimizationStatus:
        """Optimize in this process and return when it has ended.

        `optimizer_config`: "optimizer", and optionally "parameters", "seed", "budget" (calls, tokens, usd, minutes)
        and "dataset_version" (its id; the newest by default).
        """
        run = self._run(self._worker(worker_id), optimizer_config)
        run_execute(run.pk)
        return self.get_optimization_status(str(run.pk))

    def schedule_batch(
        self,
        worker_ids: Iterable[str],
        optimizer_config: Mapping[str, Any] | None = None,
        *,
        name: str = "Batch from code",
        at_once: int = 1,
    ) -> list[str]:
        """Queue one optimization for each worker, within one budget that they share; returns their job ids."""
        config = dict(optimizer_config or DEFAULT)
        orders = []
        for worker in map(self._worker, worker_ids):
            version = self._version(worker, config)
            orders.append(Order(worker, version, config["optimizer"], dict(config.get("parameters", {}))))
        batch = batch_create(
            by=self.by, name=name, orders=orders, at_once=at_once, budget=_budget(config),
            seed=int(config.get("seed", 0)), kind=Batch.Kind.BATCH,
        )  # fmt: skip
        return [str(pk) for pk in batch.runs.order_by("id").values_list("pk", flat=True)]

    def get_optimization_status(self, job_id: str) -> OptimizationStatus:
        """How a job stands. Raises Run.DoesNotExist."""
        run = Run.objects.select_related("comparison", "winner").get(pk=int(job_id))
        numbers = _numbers(getattr(run, "comparison", None))
        usage = run.progress.get("usage") or {}
        return OptimizationStatus(
            job_id=job_id,
            state=run.status,
            finish_reason=run.finish_reason,
            message=run.message,
            phase=run.progress.get("phase", ""),
            done=run.progress.get("done", 0),
            expected=(run.progress.get("low", 0), run.progress.get("high", 0)),
            calls=usage.get("calls", 0),
            cost_usd=usage.get("cost_usd"),
            improvement=numbers.get("difference"),
            interval=(numbers["low"], numbers["high"]) if numbers else None,
            version=run.winner.number if run.winner else None,
        )

    def get_performance_metrics(self, worker_id: str) -> PerformanceMetrics:
        """How the worker's active version does, as far as it was measured."""
        worker = self._worker(worker_id)
        active = worker.active_version
        assert active is not None
        test = Evaluation.objects.filter(version=active, split=Split.TEST).order_by("-id").first()
        proof = Comparison.objects.filter(run__worker=worker, run__winner=active).order_by("-id").first()
        numbers = _numbers(proof)
        spent = [run.progress["usage"]["cost_usd"] for run in worker.runs.all() if run.progress.get("usage")]
        cost = test.cost_usd / test.measured if test and test.cost_usd is not None and test.measured else None
        return PerformanceMetrics(
            worker=worker.name,
            active_version=active.number,
            score=test.mean_score if test else None,
            n=test.n if test else None,
            measured_at=test.created_at if test else None,
            latency_p50_ms=test.latency_p50_ms if test else None,
            latency_p95_ms=test.latency_p95_ms if test else None,
            cost_per_1000_calls=None if cost is None else 1000 * cost,
            improvement=numbers.get("difference"),
            interval=(numbers["low"], numbers["high"]) if numbers else None,
            optimizations=len(spent),
            spent_usd=None if None in spent else sum(spent),
        )

    def _run(self, worker: Worker, given: Mapping[str, Any] | None) -> Run:
        last = worker.runs.order_by("-id").first()
        config = dict(given or (_config_of(last) if last else DEFAULT))
        return run_create(
            by=self.by,
            worker=worker,
            dataset_version=self._version(worker, config),
            optimizer=config["optimizer"],
            parameters=dict(config.get("parameters", {})),
            seed=int(config.get("seed", 0)),
            budget=_budget(config),
        )

    def _version(self, worker: Worker, config: Mapping[str, Any]) -> DatasetVersion:
        if wanted := config.get("dataset_version"):
            return DatasetVersion.objects.get(pk=wanted)
        newest = dataset_versions_for(worker).first()
        if newest is None:
            raise Refused(f"No frozen dataset version fits {worker.name}. Freeze one first.")
        return newest

    def _worker(self, worker_id: str) -> Worker:
        rows = Worker.objects.select_related("language_model", "metric", "active_version")
        found = rows.filter(pk=int(worker_id)) if worker_id.isdecimal() else rows.filter(name=worker_id)
        if not found:
            raise Refused(f"There is no worker “{worker_id}”.")
        return found[0]


def _config_of(run: Run) -> dict[str, Any]:
    return {
        "optimizer": run.optimizer,
        "parameters": run.parameters,
        "seed": run.seed,
        "budget": run.settings.get("budget", {}),
    }


def _budget(config: Mapping[str, Any]) -> Budget:
    try:
        return msgspec.convert(dict(config.get("budget", {})), Budget)
    except msgspec.ValidationError as error:
        raise Refused(f"Budget: {error}.") from None


def _numbers(comparison: Comparison | None) -> dict[str, Any]:
    numbers: dict[str, Any] = comparison.numbers if comparison else {}
    return numbers
