"""Answer a call with a program version."""

from typing import TYPE_CHECKING

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.spec import SpecError
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import LanguageModel, ProgramVersion, Worker
from optimizer_app.selectors.datasets import passages_of
from optimizer_app.services.artifacts import artifact_unpack, artifacts_folder
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


def connection_test(model: LanguageModel, *, by: Actor) -> "Served":
    """One short call to see whether a language model answers."""
    by.require(Capability.ADMIN)
    from optimizer_app.engine import serving
    from optimizer_app.engine.lms import Connection

    return serving.check_connection(Connection(**connection_of(model)))
