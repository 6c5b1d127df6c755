"""Workers that register themselves: from a decorator in production code, or because their traces arrive."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.spec import Field, Program, SpecError, program_from_data
from optimizer_app.models import CollectionRule, Dataset, LanguageModel, Metric, Worker
from optimizer_app.models.datasets import shape_of
from optimizer_app.sdk.registry import REGISTRY
from optimizer_app.sdk.transports import Registration
from optimizer_app.services import audit
from optimizer_app.services.datasets import dataset_create
from optimizer_app.services.workers import worker_create

AUTO_RULE = "Good answers, for review"


@dataclass(frozen=True)
class Registered:
    """The worker, and whether it is new."""

    worker: Worker
    created: bool


def worker_register(told: Registration, *, by: Actor) -> Registered:
    """The worker of that name; made with its unoptimized baseline if there is none. Raises Conflict when a worker of
    that name has other fields, Refused for a program that cannot be."""
    by.require(Capability.RECORD)
    try:
        program = program_from_data(told.program)
    except SpecError as error:
        raise Refused(fields={"program": error.problems}) from None
    existing = Worker.objects.filter(name=told.name).first()
    if existing is not None:
        _check_fields(existing, program)
        _keep_wishes(existing, told, by)
        return Registered(existing, created=False)
    try:
        with transaction.atomic():
            worker = worker_create(
                by=_on_behalf(by),
                name=told.name,
                description=_description(told),
                program=_program(told, program).to_data(),
                language_model=LanguageModel.objects.order_by("id")[0],
                metric=_metric(told.metric),
            )
            _keep_wishes(worker, told, by)
    except IntegrityError:
        quicker = Worker.objects.filter(name=told.name).first()
        if quicker is None:  # it was no other process of the same service
            raise
        _check_fields(quicker, program)
        _keep_wishes(quicker, told, by)
        return Registered(quicker, created=False)
    return Registered(worker, created=True)


def worker_stand_in(name: str, description: str, *, by: Actor) -> Registered:
    """The worker of that name; where there is none, one whose program only stands in for one that runs elsewhere."""
    existing = Worker.objects.filter(name=name).first()
    if existing is not None:
        return Registered(existing, created=False)
    step = {
        "name": "answer", "module": "Predict", "instructions": f"Do what {name} does.",
        "inputs": [{"name": "input"}], "outputs": [{"name": "output"}],
    }  # fmt: skip
    return worker_register(Registration(name, description, {"steps": [step]}, True, "", {}, False), by=by)


def auto_collect(worker: Worker, *, by: Actor) -> CollectionRule:
    """The rule that sends good answers to the review queue of the worker's dataset; made once."""
    program = worker.spec()
    name = f"{worker.name} examples"[:100]
    found = Dataset.objects.filter(name=name, shape=shape_of(program.inputs, program.outputs)).first()
    dataset = found or dataset_create(by=_on_behalf(by), name=name, description="", worker=worker)
    rule, _ = CollectionRule.objects.get_or_create(
        worker=worker, name=AUTO_RULE, defaults={"dataset": dataset, "needs_review": True}
    )
    return rule


def _keep_wishes(worker: Worker, told: Registration, by: Actor) -> None:
    with transaction.atomic():
        if told.optimization and worker.optimization != told.optimization:
            worker.optimization = told.optimization
            worker.save(update_fields=["optimization"])
            audit.record(by, "worker.wishes", worker, optimization=told.optimization)
        if told.collect and not worker.rules.filter(name=AUTO_RULE).exists():
            auto_collect(worker, by=by)


def _check_fields(worker: Worker, program: Program) -> None:
    kept = worker.spec()

    def names(fields: tuple[Field, ...]) -> str:
        return ", ".join(sorted(field.name for field in fields))

    here, there = (names(kept.inputs), names(kept.outputs)), (names(program.inputs), names(program.outputs))
    if here != there:
        raise Conflict(
            f"There is already a worker called “{worker.name}” that makes {here[1]} from {here[0]}; the code makes "
            f"{there[1]} from {there[0]}. Give the code's worker another name."
        )


def _program(told: Registration, program: Program) -> Program:
    if told.name in REGISTRY.workers:
        from optimizer_app.engine.programs import describe_code

        return describe_code(told.name)
    return program


def _description(told: Registration) -> str:
    if told.stand_in and told.name not in REGISTRY.workers:
        return f"{told.description} Its program runs elsewhere; the one here is a one-step stand-in.".strip()
    return told.description


def _metric(name: str) -> Metric:
    if not name:
        return Metric.objects.order_by("id")[0]
    found = Metric.objects.filter(name=name).first()
    if found is None:
        raise Refused(fields={"metric": [f"There is no metric called “{name}”."]})
    return found


def _on_behalf(by: Actor) -> Actor:
    """A token that may record may bring its worker and that worker's dataset with it, and nothing else."""
    return Actor(by.name, by.kind, by.capabilities | {Capability.OPERATE}, by.address)
