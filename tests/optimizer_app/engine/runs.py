"""Run specs for engine tests: plain data, no database."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from optimizer_app.engine.evaluation import ExampleData
from optimizer_app.engine.gate import Gate
from optimizer_app.engine.lms import Connection
from optimizer_app.engine.metrics import Metric
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.parameters import parse_all
from optimizer_app.engine.programs import build, state_of
from optimizer_app.engine.progress import Candidate
from optimizer_app.engine.runner import RunOutcome, RunSpec, run
from optimizer_app.engine.spec import program_from_data
from optimizer_app.engine.usage import Ledger
from tests.factories.workers import PLAIN_TEAMS, routing_program, routing_rows, two_step_program

BUILT_IN = Connection("Built-in", "offline/lexical-1", price_in=0, price_out=0)


class Listener:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.lines: list[str] = []
        self.candidates: list[Candidate] = []
        self.calls = 0
        self.known_work = (0, 0)

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def work(self, low: int, high: int) -> None:
        self.known_work = (low, high)

    def program_call(self) -> None:
        self.calls += 1

    def candidate(self, candidate: Candidate) -> None:
        self.candidates.append(candidate)

    def log(self, level: str, text: str) -> None:
        self.lines.append(text)


def spec(workdir: Path, **changes: Any) -> RunSpec:
    program = program_from_data(changes.pop("program", routing_program()))
    optimizer = changes.pop("optimizer", "BootstrapFewShotWithRandomSearch")
    parameters = parse_all(optimizers()[optimizer].parameters, changes.pop("parameters", {}))
    rows = [
        ExampleData(number, {"message": row["message"]}, {"team": row["team"]})
        for number, row in enumerate(sorted(routing_rows(), key=lambda row: hash_of(str(row["message"]))))
    ]
    values: dict[str, Any] = {
        "program": program,
        "baseline": {"answer": {"instructions": program.steps[0].instructions, "demos": []}},
        "connection": BUILT_IN,
        "metric": Metric("exact_match", "team"),
        "optimizer": optimizer,
        "parameters": parameters,
        "seed": 4,
        "threads": 1,
        "train": rows[:40],
        "validation": rows[40:70],
        "test": rows[70:],
        "workdir": workdir,
    }
    return RunSpec(**(values | changes))


def two_step_spec(workdir: Path, **changes: Any) -> RunSpec:
    """The same messages through two steps, with team names that some messages hold."""
    program = program_from_data(two_step_program())
    made = spec(workdir, program=program.to_data(), baseline=state_of(build(program)), **changes)
    splits = {
        name: [replace(e, outputs={"team": PLAIN_TEAMS[e.outputs["team"]]}) for e in getattr(made, name)]
        for name in ("train", "validation", "test")
    }
    return replace(made, **splits)


def hash_of(text: str) -> int:
    """A fixed shuffle of the rows."""
    return sum(ord(char) * (position + 7) for position, char in enumerate(text)) % 1009


def execute(run_spec: RunSpec, gate: Gate | None = None) -> tuple[RunOutcome, Listener, Ledger]:
    listener, ledger = Listener(), Ledger()
    return run(run_spec, listener, gate or Gate(), ledger), listener, ledger
