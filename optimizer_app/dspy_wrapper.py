"""DSPyAgent: Uplift from a script or a notebook, in the words of a DSPy developer. A thin face over the services.

Needs Django set up: see docs/howto/use-from-python.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer_app.common.access import ROLES, Actor
from optimizer_app.common.problems import Refused
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.parameters import parse_all
from optimizer_app.models import (
    Dataset,
    DatasetVersion,
    Example,
    LanguageModel,
    Metric,
    ProgramVersion,
    Run,
    Split,
    Worker,
)
from optimizer_app.models.datasets import shape_of
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.services.dataset_versions import DEFAULT_SHARES, dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.runs import run_create
from optimizer_app.services.serving import predict
from optimizer_app.services.versions import version_promote
from optimizer_app.services.workers import worker_create

SCRIPT = Actor(name="script", kind="script", capabilities=ROLES["approver"])


class OptimizationFailedError(Exception):
    """A run ended without a program; the message says why."""


@dataclass(frozen=True)
class DSPyOptimizer:
    """An optimizer with its parameters, checked."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class CompiledProgram:
    """A program version that can be called: `program(message="…")` gives its outputs."""

    version: ProgramVersion
    by: Actor = SCRIPT

    def __call__(self, **inputs: object) -> dict[str, Any]:
        """The outputs. Raises RuntimeError with the language model's error in words."""
        served = predict(self.version.worker, by=self.by, inputs=dict(inputs), version=self.version)
        if served.error:
            raise RuntimeError(served.error)
        return served.outputs

    @property
    def comparison(self) -> dict[str, Any] | None:
        """Before and after on the sealed test split, from the run that made it; None for a baseline."""
        comparison = getattr(self.version.run, "comparison", None)
        return comparison.numbers if comparison else None


class DSPyAgent:
    """One worker: collect examples, optimize, load and save versions.

    `worker` is found by name. With `program` (the steps as data) it is made if it does not exist, with the language
    model and metric of those names. Raises Worker.DoesNotExist otherwise.
    """

    def __init__(
        self,
        worker: str,
        *,
        program: Mapping[str, Any] | None = None,
        language_model: str = "Built-in lexical model",
        metric: str = "Exact match",
        by: Actor = SCRIPT,
    ) -> None:
        self.by = by
        if program is not None and not Worker.objects.filter(name=worker).exists():
            worker_create(
                by=by,
                name=worker,
                description="",
                program=dict(program),
                language_model=LanguageModel.objects.get(name=language_model),
                metric=Metric.objects.get(name=metric),
            )
        self.worker = Worker.objects.select_related("language_model", "metric").get(name=worker)

    def create_optimizer(self, optimizer_type: str, **kwargs: Any) -> DSPyOptimizer:
        """An optimizer by its name; raises Refused for an unknown one or a parameter out of its range."""
        known = optimizers()
        if optimizer_type not in known:
            raise Refused(f"There is no optimizer called “{optimizer_type}”. There are {', '.join(known)}.")
        try:
            return DSPyOptimizer(optimizer_type, parse_all(known[optimizer_type].parameters, kwargs))
        except ValueError as error:
            raise Refused(str(error)) from None

    def compile_with_optimizer(
        self,
        program: "CompiledProgram | None" = None,
        training_data: "DatasetVersion | Iterable[Mapping[str, Any]] | None" = None,
        optimizer: DSPyOptimizer | None = None,
        *,
        seed: int = 0,
    ) -> CompiledProgram:
        """Run the optimizer here and now and return the winner, with its comparison on the sealed test split.

        `training_data`: a frozen version, rows of field values (added to the worker's dataset and frozen), or None for
        what was collected so far. Every run starts from the worker's baseline, so `program`, if given, must be one of
        this worker's. Raises OptimizationFailedError.
        """
        if program is not None and program.version.worker_id != self.worker.pk:
            raise Refused(f"{program.version} is no version of {self.worker.name}.")
        chosen = optimizer or self.create_optimizer("MIPROv2")
        if isinstance(training_data, DatasetVersion):
            version = training_data
        else:
            if training_data is not None:
                rows = enumerate((dict(row) for row in training_data), start=1)
                report = examples_add(self.dataset(), rows, by=self.by, source="script")
                if report.error_count:
                    raise Refused(*[f"Row {number}: {text}" for number, text in report.errors])
            version = self.freeze()
        run = run_create(
            by=self.by, worker=self.worker, dataset_version=version, optimizer=chosen.name,
            parameters=chosen.parameters, seed=seed,
        )  # fmt: skip
        run_execute(run.pk)
        return self.result_of(run)

    def result_of(self, run: Run) -> CompiledProgram:
        """The winner of a run. Raises OptimizationFailedError when it has none."""
        run.refresh_from_db()
        if run.winner is None:
            raise OptimizationFailedError(f"{run} ended as “{run.get_finish_reason_display()}”: {run.message}")
        return CompiledProgram(run.winner, self.by)

    def collect_training_example(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> Example:
        """Add one example to the worker's dataset; the same one twice is kept once. `metadata["source"]` names it."""
        source = str((metadata or {}).get("source", "collected"))
        dataset = self.dataset()
        report = examples_add(dataset, [(1, {**inputs, **outputs})], by=self.by, source=source)
        if report.error_count:
            raise Refused(report.errors[0][1])
        return dataset.examples.order_by("-id")[0]

    def load_optimized_program(self, program_id: str = "") -> CompiledProgram:
        """Version `program_id` of the worker ("3"); the active one by default."""
        versions = self.worker.versions.select_related("worker__language_model", "run__comparison", "artifact")
        if program_id:
            return CompiledProgram(versions.get(number=int(program_id.removeprefix("v"))), self.by)
        self.worker.refresh_from_db()
        return CompiledProgram(versions.get(pk=self.worker.active_version_id or 0), self.by)

    def save_optimized_program(self, program: CompiledProgram, program_id: str = "") -> bool:
        """Make the program the one that answers calls; `program_id` is noted as the reason. False if it is already."""
        self.worker.refresh_from_db()
        if self.worker.active_version_id == program.version.pk:
            return False
        version_promote(program.version, by=self.by, reason=program_id)
        return True

    def dataset(self) -> Dataset:
        """Where collected examples go: the newest dataset with the worker's fields, made if there is none."""
        program = self.worker.spec()
        shape = shape_of(program.inputs, program.outputs)
        found = Dataset.objects.filter(shape=shape).order_by("-id").first()
        name = f"{self.worker.name} examples"
        return found or dataset_create(by=self.by, name=name, description="", worker=self.worker)

    def freeze(self, *, seed: int = 0) -> DatasetVersion:
        """A frozen version of what was collected, balanced by the first output with a closed set of values."""
        labels = [field.name for field in self.worker.spec().outputs if field.type in ("enum", "bool")]
        shares = {Split(split): share for split, share in DEFAULT_SHARES.items()}
        return dataset_freeze(
            self.dataset(), by=self.by, shares=shares, stratify_by=labels[0] if labels else "", seed=seed
        )

    def newest_data(self) -> DatasetVersion | None:
        """The newest frozen version that fits the worker."""
        return dataset_versions_for(self.worker).first()
