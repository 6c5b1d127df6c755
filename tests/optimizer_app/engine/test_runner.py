"""A run from plain data to outcome, on the built-in model."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from optimizer_app.engine.evaluation import ExampleData
from optimizer_app.engine.gate import Gate, Stop
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import Sizes
from tests.factories.workers import routing_program
from tests.optimizer_app.engine.runs import execute, spec

SMALL: dict[str, dict[str, Any]] = {
    "LabeledFewShot": {},
    "BootstrapFewShot": {},
    "BootstrapFewShotWithRandomSearch": {"num_candidate_programs": 2},
    "MIPROv2": {"auto": "light"},
    "GEPA": {"auto": "light", "reflection_minibatch_size": 4},
    "KNNFewShot": {},
    "Ensemble": {"num_candidate_programs": 2},
    "SIMBA": {"bsize": 10, "max_steps": 3, "num_candidates": 3},
    "InferRules": {"num_candidates": 2},
    "COPRO": {"breadth": 2, "depth": 2},
    "BootstrapFinetune": {},
    "BetterTogether": {"num_candidate_programs": 2},
}


@pytest.mark.parametrize("optimizer", list(optimizers()))
def test_every_optimizer_gives_the_same_version_on_one_thread_and_on_four(optimizer: str, tmp_path: Path) -> None:
    one, listener, _ = execute(spec(tmp_path, optimizer=optimizer, parameters=SMALL[optimizer]))
    four, _, _ = execute(spec(tmp_path, optimizer=optimizer, parameters=SMALL[optimizer], threads=4))

    assert one.winner is not None
    assert four.winner is not None
    assert one.winner.fingerprint == four.winner.fingerprint
    assert [r.score for r in one.winner.test] == [r.score for r in four.winner.test]
    assert one.finish in ("improved", "no_improvement", "worse")
    low, high = listener.known_work
    assert low <= listener.calls <= high * 1.05


def test_another_seed_may_find_another_version(tmp_path: Path) -> None:
    first, _, _ = execute(spec(tmp_path, optimizer="LabeledFewShot", parameters={"k": 4}))
    second, _, _ = execute(spec(tmp_path, optimizer="LabeledFewShot", parameters={"k": 4}, seed=5))

    assert first.winner is not None
    assert second.winner is not None
    assert first.winner.fingerprint != second.winner.fingerprint


def test_examples_help_on_opaque_codes(tmp_path: Path) -> None:
    outcome, listener, ledger = execute(spec(tmp_path, parameters={"max_labeled_demos": 40}))

    assert outcome.finish == "improved"
    assert outcome.comparison is not None
    assert outcome.comparison.n == len(outcome.baseline.test if outcome.baseline else [])
    assert outcome.comparison.low > 0
    assert ledger.total.cost_usd == 0
    assert listener.candidates
    assert max(c.score for c in listener.candidates if c.full) >= listener.candidates[0].score


def test_the_test_split_never_reaches_the_optimizer(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="MIPROv2")
    poisoned = [
        msgspec.structs.replace(example, inputs={"message": f"{example.inputs['message']} zebra"})
        for example in made.test
    ]

    clean, _, _ = execute(made)
    marked, listener, _ = execute(msgspec.structs.replace(made, test=poisoned))

    assert clean.winner is not None
    assert marked.winner is not None
    assert clean.winner.state == marked.winner.state
    assert not any("zebra" in line for line in listener.lines)


def test_minibatch_scores_are_told_apart_from_full_ones(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="MIPROv2")
    more = [*made.validation, *made.test, *made.train[:20]]
    outcome, listener, _ = execute(msgspec.structs.replace(made, validation=more))

    sizes = {(c.full, c.examples) for c in listener.candidates}
    assert sizes == {(True, len(more)), (False, 35)}
    assert outcome.winner is not None


def test_a_sample_of_a_large_validation_split_still_counts_as_whole(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="MIPROv2")
    _, listener, _ = execute(msgspec.structs.replace(made, validation=[*made.validation, *made.test] * 2))

    assert {(c.full, c.examples) for c in listener.candidates} == {(True, 100), (False, 35)}


def test_perfect_baseline_ends_at_once(tmp_path: Path) -> None:
    options = ["billing", "login", "shipping"]
    program = routing_program(outputs=[{"name": "team", "type": "enum", "options": options}])
    easy = [ExampleData(n, {"message": f"{n} for {options[n % 3]}"}, {"team": options[n % 3]}) for n in range(12)]

    outcome, listener, _ = execute(spec(tmp_path, program=program, train=easy, validation=easy, test=easy))

    assert outcome.finish == "perfect_score"
    assert outcome.winner is None
    assert listener.calls == 2 * len(easy)


@pytest.mark.parametrize("optimizer", list(optimizers()))
@pytest.mark.parametrize("threads", [1, 4])
def test_stopping_stops_within_the_calls_in_flight(optimizer: str, threads: int, tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer=optimizer, parameters=SMALL[optimizer], threads=threads)
    stop_after = len(made.validation) + len(made.test) + 5
    seen = threading.Semaphore(stop_after)

    class Stopper(Gate):
        def check(self) -> None:
            if not seen.acquire(blocking=False):
                self.shut(Stop("stopped", "Stopped by test."))
            super().check()

    outcome, _, ledger = execute(made, Stopper())

    assert outcome.finish == "stopped"
    assert outcome.message == "Stopped by test."
    assert outcome.winner is None
    assert ledger.total.calls <= stop_after


def test_work_of_every_optimizer_is_known_beforehand() -> None:
    for optimizer in optimizers().values():
        defaults = {parameter.name: parameter.default for parameter in optimizer.parameters}
        work = optimizer.work(Sizes(train=50, validation=40), defaults)
        assert 0 <= work.low <= work.high


@pytest.mark.parametrize(
    ("outputs", "row"),
    [
        ([{"name": "yes", "type": "bool"}], {"yes": True}),
        ([{"name": "n", "type": "int"}], {"n": 3}),
        ([{"name": "x", "type": "float"}], {"x": 2.5}),
        ([{"name": "tags", "type": "list[str]"}], {"tags": ["parcel"]}),
        ([{"name": "teams", "type": "list[enum]", "options": ["parcel", "invoice"]}], {"teams": ["parcel"]}),
        ([{"name": "copy"}, {"name": "items", "type": "enum", "options": ["a", "b"]}], {"copy": "x", "items": "a"}),
    ],
)
@pytest.mark.parametrize("module", ["Predict", "ChainOfThought"])
def test_every_type_and_module_runs_through(
    outputs: list[dict[str, Any]], row: dict[str, Any], module: str, tmp_path: Path
) -> None:
    made = spec(tmp_path)
    splits = {
        name: [msgspec.structs.replace(e, outputs=row) for e in getattr(made, name)[:12]]
        for name in ("train", "validation", "test")
    }
    program = routing_program(outputs=outputs, module=module)
    typed = spec(
        tmp_path, program=program, optimizer="BootstrapFewShot", metric=msgspec.structs.replace(made.metric, field="")
    )

    outcome, _, ledger = execute(msgspec.structs.replace(typed, **splits))

    assert outcome.finish in ("improved", "no_improvement", "worse", "perfect_score"), outcome.message
    assert outcome.baseline is not None
    assert not any(result.error for result in outcome.baseline.test)
    assert ledger.total.failed_calls == 0
