"""Watch a compile through DSPy's callbacks: program calls done, candidates and their scores, the phase of work."""

import logging
import threading
from typing import Any, Protocol

import dspy
import msgspec
from dspy.utils.callback import BaseCallback

from optimizer_app.engine.programs import ProgramModule, State, state_hash, state_of
from optimizer_app.engine.spec import Program


class Candidate(msgspec.Struct, frozen=True):
    """A program state that the optimizer scored on so many examples. `full`: not just on a minibatch."""

    fingerprint: str
    state: State
    score: float
    examples: int
    full: bool
    calls: int


class Reporter(Protocol):
    """Who is told how a run goes. Called from several threads; must not raise and must not block."""

    def phase(self, text: str) -> None: ...
    def work(self, low: int, high: int) -> None: ...
    def program_call(self) -> None: ...
    def candidate(self, candidate: Candidate) -> None: ...
    def log(self, level: str, text: str) -> None: ...


PHASES = {
    "GEPA": "Evolving instructions",
    "BootstrapFewShot": "Collecting demonstrations",
    "LabeledFewShot": "Choosing demonstrations",
    "MIPROv2": "Preparing candidates",
    "BootstrapFewShotWithRandomSearch": "Preparing candidates",
}


class Recorder(BaseCallback):
    """Turns DSPy's events into calls of a Reporter."""

    def __init__(self, program: Program, reporter: Reporter) -> None:
        self._program = program
        self._reporter = reporter
        self._lock = threading.Lock()
        self._program_calls: set[str] = set()
        self._evaluations: dict[str, tuple[State, bool]] = {}
        self.calls = 0
        self.best: Candidate | None = None

    def __deepcopy__(self, memo: object) -> "Recorder":
        return self  # DSPy copies its settings, callbacks included, for every thread

    def on_compile_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._reporter.phase(PHASES.get(type(instance).__name__, "Optimizing"))

    def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        if isinstance(instance, ProgramModule):
            with self._lock:
                self._program_calls.add(call_id)
        elif type(instance).__name__ in ("GenerateModuleInstruction", "DescribeProgram", "InstructionProposer"):
            self._reporter.phase("Proposing instructions")

    def on_module_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        with self._lock:
            if call_id not in self._program_calls:
                return
            self._program_calls.discard(call_id)
            self.calls += 1
        self._reporter.program_call()

    def on_evaluate_start(self, call_id: str, instance: dspy.Evaluate, inputs: dict[str, Any]) -> None:
        # Not by size: MIPROv2 takes a sample of a large validation split for the whole. Its minibatches and GEPA's
        # say so in their metadata; the other optimizers have none.
        metadata = inputs.get("callback_metadata") or {}
        minibatch = metadata.get("metric_key") == "eval_minibatch" or metadata.get("disable_logging", False)
        # Read now: some optimizers change the program afterwards.
        self._evaluations[call_id] = (state_of(inputs["program"]), not minibatch)
        self._reporter.phase("Scoring candidates")

    def on_evaluate_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        state, full = self._evaluations.pop(call_id)
        if outputs is None or not outputs.results:
            return
        size = len(outputs.results)
        score = sum(float(result[2]) for result in outputs.results) / size
        candidate = Candidate(state_hash(self._program, state), state, score, size, full, self.calls)
        if full and (self.best is None or score > self.best.score):
            self.best = candidate
        self._reporter.candidate(candidate)


class LogForwarder(logging.Handler):
    """Sends DSPy's log lines to the reporter."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        if text := record.getMessage().strip():
            self._reporter.log(record.levelname.lower(), text[:2000])
