"""Watch a compile through DSPy's callbacks: program calls done, candidates and their scores, the phase of work."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import dspy
import msgspec
from dspy.utils.callback import BaseCallback

from optimizer_app.engine.programs import ProgramModule, State, predictors, state_hash, state_of
from optimizer_app.engine.spec import Program


class Candidate(msgspec.Struct, frozen=True):
    """A program state that the optimizer scored on so many examples. `full`: not just on a minibatch.

    `parents` are the fingerprints it was made from, where the optimizer says so; `by_example` the scores in order.
    """

    fingerprint: str
    state: State
    score: float
    examples: int
    full: bool
    calls: int
    by_example: tuple[float, ...] = ()
    parents: tuple[str, ...] = ()


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
    "SIMBA": "Comparing its own answers",
    "COPRO": "Rewording the instruction",
    "InferRules": "Deriving rules",
    "BootstrapFinetune": "Collecting training data",
    "BetterTogether": "Alternating demos and weights",
}
PROPOSERS = frozenset({"GenerateModuleInstruction", "DescribeProgram", "InstructionProposer", "RulesInductionProgram"})


class Recorder(BaseCallback):
    """Turns DSPy's events into calls of a Reporter."""

    def __init__(self, program: Program, reporter: Reporter) -> None:
        self._program = program
        self._reporter = reporter
        self._lock = threading.Lock()
        self._local = threading.local()
        self._program_calls: set[str] = set()
        self._evaluations: dict[str, tuple[State, bool]] = {}
        self._rollouts: dict[str, list[float]] = {}
        self.calls = 0
        self.best: Candidate | None = None
        self.best_part: Candidate | None = None

    def __deepcopy__(self, memo: object) -> "Recorder":
        return self  # DSPy copies its settings, callbacks included, for every thread

    def on_compile_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        self._reporter.phase(PHASES.get(type(instance).__name__, "Optimizing"))

    def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        if isinstance(instance, ProgramModule):
            self._local.module = instance
            with self._lock:
                self._program_calls.add(call_id)
        elif type(instance).__name__ in PROPOSERS:
            self._reporter.phase("Proposing instructions")

    def on_module_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        with self._lock:
            if call_id not in self._program_calls:
                return
            self._program_calls.discard(call_id)
        self.program_called()

    def program_called(self) -> None:
        """Count a call of the program that no callback tells of."""
        with self._lock:
            self.calls += 1
        self._reporter.program_call()

    def on_evaluate_start(self, call_id: str, instance: dspy.Evaluate, inputs: dict[str, Any]) -> None:
        # Not by size: MIPROv2 takes a sample of a large validation split for the whole. Its minibatches and GEPA's
        # say so in their metadata; the other optimizers have none.
        metadata = inputs.get("callback_metadata") or {}
        minibatch = metadata.get("metric_key") == "eval_minibatch" or metadata.get("disable_logging", False)
        program = inputs["program"]
        if not isinstance(program, ProgramModule):
            return
        # Read now: some optimizers change the program afterwards.
        self._evaluations[call_id] = (state_of(program), not minibatch)
        self._reporter.phase("Scoring candidates")

    def on_evaluate_end(self, call_id: str, outputs: Any, exception: Exception | None = None) -> None:
        state, full = self._evaluations.pop(call_id, ({}, False))
        if not state or outputs is None or not outputs.results:
            return
        if full and isinstance(outputs.results[0][1], tuple):
            return  # BootstrapFinetune collects its training data by an evaluation
        scores = tuple(float(result[2]) for result in outputs.results)
        self.found(state, scores, full=full)

    def watch(self, metric: Callable[..., float]) -> Callable[..., float]:
        """The metric, noting what it gives each candidate: for SIMBA, which scores without `dspy.Evaluate`."""

        def noted(gold: dspy.Example, prediction: Any, trace: object = None) -> float:
            value = metric(gold, prediction, trace)
            module = self._local.module
            # a module with a model of its own is a sample at a higher temperature, not the candidate itself
            if all(predictor.lm is None for predictor in predictors(module).values()):
                state = state_of(module)
                with self._lock:
                    scores = self._rollouts.setdefault(state_hash(self._program, state), [])
                    scores.append(value)
                self.found(state, tuple(scores), full=False)
            return value

        return noted

    def lineage(self, base: ProgramModule) -> "Lineage":
        """Callbacks for GEPA that tell the parents of each candidate."""
        return Lineage(self, base)

    def found(self, state: State, scores: Sequence[float], *, full: bool, parents: tuple[str, ...] = ()) -> str:
        """Take in a scored state; returns its fingerprint."""
        score = sum(scores) / len(scores)
        fingerprint = state_hash(self._program, state)
        candidate = Candidate(
            fingerprint, state, score, len(scores), full, self.calls, tuple(scores) if full else (), parents
        )
        if full and (self.best is None or score > self.best.score):
            self.best = candidate
        if not full and (self.best_part is None or _surer(candidate, self.best_part)):
            self.best_part = candidate
        self._reporter.candidate(candidate)
        return fingerprint


class Lineage:
    """GEPA's own callbacks, as its `callbacks` argument takes them."""

    def __init__(self, recorder: Recorder, base: ProgramModule) -> None:
        self._recorder = recorder
        self._names = [name for name, _ in base.named_predictors()]
        self._keys = list(predictors(base))
        self._base = state_of(base)
        self._fingerprints: dict[int, str] = {}

    def on_valset_evaluated(self, event: dict[str, Any]) -> None:
        """Called by GEPA when a candidate was scored on the whole validation split."""
        state = dict(self._base)
        for name, key in zip(self._names, self._keys, strict=True):
            state[key] = {**self._base[key], "instructions": event["candidate"][name]}
        scores = event["scores_by_val_id"]
        parents = tuple(self._fingerprints[number] for number in event["parent_ids"] if number is not None)
        ordered = [float(scores[key]) for key in sorted(scores)]
        self._fingerprints[event["candidate_idx"]] = self._recorder.found(state, ordered, full=True, parents=parents)


class LogForwarder(logging.Handler):
    """Sends DSPy's log lines to the reporter."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        if text := record.getMessage().strip():
            self._reporter.log(record.levelname.lower(), text[:2000])


def _surer(candidate: Candidate, than: Candidate) -> bool:
    """Among minibatch scores, one on as many examples or more and a higher mean; a lucky few do not win."""
    return candidate.examples >= than.examples and candidate.score > than.score
