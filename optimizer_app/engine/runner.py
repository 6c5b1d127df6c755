"""One run: baseline on validation and on the sealed test split, compile, winner on the same examples, comparison."""

import contextlib
import io
import logging
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import dspy
import msgspec

from optimizer_app.engine.comparison import Comparison, Verdict, compare
from optimizer_app.engine.errors import explain, lm_error_in
from optimizer_app.engine.evaluation import (
    ExampleData,
    ExampleResult,
    as_dspy_metric,
    as_feedback_metric,
    evaluate,
    mean_score,
)
from optimizer_app.engine.gate import Budget, Gate, RunStopped
from optimizer_app.engine.lms import Connection, open_lm
from optimizer_app.engine.metrics import Metric
from optimizer_app.engine.offline import is_built_in
from optimizer_app.engine.optimizers import OPTIMIZERS
from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Sizes
from optimizer_app.engine.programs import ProgramModule, State, build, example_of, state_hash, state_of
from optimizer_app.engine.progress import LogForwarder, Recorder, Reporter
from optimizer_app.engine.spec import Program
from optimizer_app.engine.usage import Ledger

Finish = Literal["improved", "no_improvement", "worse", "perfect_score", "budget", "stopped", "error", "lost"]
FINISH: dict[Verdict, Finish] = {
    "improved": "improved",
    "worse": "worse",
    "equivalent": "no_improvement",
    "undecided": "no_improvement",
}
NEVER = 1_000_000  # DSPy gives up an evaluation after this many failed examples; our gate decides instead


class RunSpec(msgspec.Struct, frozen=True):
    """What to run, as plain data. `workdir` keeps the cache from which a killed run resumes."""

    program: Program
    baseline: State
    connection: Connection
    metric: Metric
    optimizer: str
    parameters: dict[str, Any]
    seed: int
    threads: int
    train: list[ExampleData]
    validation: list[ExampleData]
    test: list[ExampleData]
    workdir: Path
    budget: Budget = Budget()


class Evaluated(msgspec.Struct, frozen=True):
    """A program state with its results on both held-out splits."""

    state: State
    fingerprint: str
    validation: list[ExampleResult]
    test: list[ExampleResult]


class RunOutcome(msgspec.Struct, frozen=True):
    """How a run ended. Baseline, winner and comparison are there as far as the run came."""

    finish: Finish
    message: str
    baseline: Evaluated | None = None
    winner: Evaluated | None = None
    comparison: Comparison | None = None


def run(spec: RunSpec, reporter: Reporter, gate: Gate, ledger: Ledger) -> RunOutcome:
    """Execute a run. Never raises for what the data, the model or a person did: the outcome says it."""
    if not is_built_in(spec.connection.model):
        # On disk only: in memory it would keep every prompt of every run until the process ends.
        cache = str(spec.workdir / "lm-cache")
        dspy.configure_cache(disk_cache_dir=cache, enable_memory_cache=False, restrict_pickle=True)
    execution = _Execution(spec, reporter, gate, ledger)
    try:
        with _output_to(reporter):
            return execution.run()
    except RunStopped as stopped:
        message = stopped.stop.message
        if stopped.stop.kind == "stopped" and (best := execution.recorder.best):
            message += f" Best candidate so far: {best.score:.1%} on {best.examples} validation examples, not tested."
        return RunOutcome(stopped.stop.kind, message, execution.baseline)
    except Exception as error:
        return RunOutcome("error", f"{execution.place}: {_explained(error, spec)}", execution.baseline)


class _Execution:
    """The steps of a run in order; `place` says which one it is at."""

    def __init__(self, spec: RunSpec, reporter: Reporter, gate: Gate, ledger: Ledger) -> None:
        self.spec = spec
        self.reporter = reporter
        self.gate = gate
        self.search_gate = Gate(outer=gate, budget=spec.budget)
        self.ledger = ledger
        self.recorder = Recorder(spec.program, reporter)
        self.place = "Baseline"
        self.note = ""
        self.baseline: Evaluated | None = None

    def run(self) -> RunOutcome:
        spec = self.spec
        optimizer = OPTIMIZERS[spec.optimizer]
        work = optimizer.work(Sizes(len(spec.train), len(spec.validation)), spec.parameters)
        frame = 2 * (len(spec.validation) + len(spec.test))
        self.reporter.work(work.low + frame, work.high + frame)
        with self._context(self.search_gate):
            self.baseline = self._evaluate(build(spec.program, spec.baseline), "Baseline")
            if mean_score(self.baseline.validation) == 1 and mean_score(self.baseline.test) == 1:
                message = "The baseline already answers every validation and test example right: nothing to optimize."
                return RunOutcome("perfect_score", message, self.baseline)
            self.place = f"Optimizing with {optimizer.name}"
            module = self._search(optimizer)
        with self._context(self.gate):
            winner = self._evaluate(module, "Winner")
        comparison = compare(
            [result.score for result in self.baseline.test],
            [result.score for result in winner.test],
            binary=spec.metric.binary,
        )
        return RunOutcome(FINISH[comparison.verdict], self.note, self.baseline, winner, comparison)

    def _context(self, gate: Gate) -> AbstractContextManager[None]:
        context: AbstractContextManager[None] = dspy.context(
            lm=open_lm(self.spec.connection, gate, self.ledger, cache=True),
            callbacks=[self.recorder],
            num_threads=self.spec.threads,
            trace=None,
            max_errors=NEVER,
        )
        return context

    def _search(self, optimizer: Optimizer) -> ProgramModule:
        """What the optimizer found; when the budget ended its search, the best candidate scored until then."""
        module: ProgramModule | None = None
        failure: Exception | None = None
        try:
            module = optimizer.compile(self._job())
        except RunStopped:
            pass
        except Exception as error:  # some optimizers turn a stop into an error of their own
            failure = error
        self.gate.check()  # an optimizer may return a program although it was stopped: not to be trusted
        if stop := self.search_gate.stop:
            best = self.recorder.best
            kept = "The best candidate until then was tested." if best else "No candidate had been scored until then."
            self.note = f"{stop.message} {kept}"
            return build(self.spec.program, best.state if best else self.spec.baseline)
        if module is None:
            raise failure or RuntimeError(f"{optimizer.name} returned no program.")
        return module

    def _job(self) -> CompileJob:
        spec = self.spec
        train = [example_of(example.inputs, example.outputs) for example in spec.train]
        random.Random(spec.seed).shuffle(train)  # noqa: S311 - reproducible sampling, not security
        outputs = [field.name for field in spec.program.outputs]
        return CompileJob(
            module=build(spec.program, spec.baseline),
            train=train,
            validation=[example_of(example.inputs, example.outputs) for example in spec.validation],
            metric=as_dspy_metric(spec.metric, outputs),
            feedback_metric=as_feedback_metric(spec.metric, outputs),
            parameters=spec.parameters,
            seed=spec.seed,
            threads=spec.threads,
        )

    def _evaluate(self, module: ProgramModule, name: str) -> Evaluated:
        spec = self.spec
        state = state_of(module)
        results = {}
        for split, examples in (("validation", spec.validation), ("test", spec.test)):
            self.place = f"{name} on {split}"
            self.reporter.phase(self.place)
            results[split] = evaluate(
                module,
                examples,
                spec.metric,
                self.ledger,
                threads=spec.threads,
                model_name=spec.connection.name,
            )
        score = mean_score(results["test"])
        self.reporter.log("info", f"{name}: {score:.1%} on {len(spec.test)} test examples.")
        return Evaluated(state, state_hash(spec.program, state), results["validation"], results["test"])


def _explained(error: Exception, spec: RunSpec) -> str:
    lm_error = lm_error_in(error)
    return explain(lm_error, spec.connection.name) if lm_error else f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _output_to(reporter: Reporter) -> Iterator[None]:
    """DSPy's log goes to the reporter; its prints and progress bars go nowhere."""
    logger = logging.getLogger("dspy")
    handler = LogForwarder(reporter)
    previous = logger.handlers
    logger.handlers = [handler]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.handlers = previous
