"""Answer a call with a program version."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from optimizer_app.common.access import SYSTEM, Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.spec import SpecError
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import LanguageModel, ProgramVersion, Worker
from optimizer_app.sdk.ids import new_id
from optimizer_app.sdk.payload import ExecutionRecord
from optimizer_app.selectors.datasets import passages_of
from optimizer_app.services.artifacts import artifact_unpack, artifacts_folder
from optimizer_app.services.executions import Receipt, executions_record
from optimizer_app.services.language_models import connection_of

if TYPE_CHECKING:
    from optimizer_app.engine.serving import Served


def predict(worker: Worker, *, by: Actor, inputs: dict[str, object], version: ProgramVersion | None = None) -> "Served":
    """Run a version, the active one by default, on one input."""
    by.require(Capability.PREDICT)
    # Imported at the first call: DSPy costs the web process 0.4 s and 60 MB that most requests do not need.
    from optimizer_app.engine import serving
    from optimizer_app.engine.lms import Connection

    program = worker.spec()
    chosen = version or worker.active_version
    if chosen is None:
        raise Conflict(f"{worker.name} has no active version.")
    if unknown := sorted(set(inputs) - {field.name for field in program.inputs}):
        raise Refused(fields={name: [f"{worker.name} has no input called “{name}”."] for name in unknown})
    try:
        values = coerce_all(program.inputs, inputs)
    except SpecError as error:
        raise Refused(fields={"inputs": error.problems}) from None
    folder = artifacts_folder()
    if chosen.artifact:
        artifact_unpack(chosen.artifact, folder)
    connection = Connection(**connection_of(worker.language_model))
    return serving.predict(program, chosen.state, connection, values, passages_of(program), folder)


def predict_recorded(
    worker: Worker, *, by: Actor, inputs: dict[str, object], version: ProgramVersion | None = None
) -> tuple["Served", UUID]:
    """As `predict`, for production: the call is recorded as an execution, whose id comes with the answer."""
    started_at = timezone.now()
    served = predict(worker, by=by, inputs=inputs, version=version)
    chosen = version or worker.active_version
    record = ExecutionRecord(
        id=new_id(),
        worker=worker.name,
        started_at=started_at,
        inputs=inputs,
        outputs=served.outputs,
        version=chosen.number if chosen else None,
        latency_ms=served.latency_ms,
        tokens_in=served.tokens_in,
        tokens_out=served.tokens_out,
        cost_usd=served.cost_usd,
        error=served.error,
        error_kind="PredictError" if served.error else "",
        model=worker.language_model.model[:100],
    )
    executions_record([(0, record)], by=SYSTEM, receipt=Receipt())
    return served, record.id


def connection_test(model: LanguageModel, *, by: Actor) -> "Served":
    """One short call to see whether a language model answers."""
    by.require(Capability.ADMIN)
    from optimizer_app.engine import serving
    from optimizer_app.engine.lms import Connection

    return serving.check_connection(Connection(**connection_of(model)))
