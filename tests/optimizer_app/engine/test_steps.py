"""Programs of several steps, tools, retrieval and code."""

from pathlib import Path
from typing import Any

import dspy
import msgspec
import pytest

from optimizer_app import sdk
from optimizer_app.engine.evaluation import ExampleData
from optimizer_app.engine.metrics import Metric
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.programs import build, describe_code, state_of
from optimizer_app.engine.retrieval import search
from optimizer_app.engine.spec import SpecError, program_from_data
from optimizer_app.engine.tools import calculator, days_between
from optimizer_app.sdk.registry import Registry
from tests.factories.workers import TEAMS, routing_program, two_step_program
from tests.optimizer_app.engine.runs import execute, spec, two_step_spec
from tests.optimizer_app.engine.test_runner import SMALL


@pytest.mark.parametrize("optimizer", list(optimizers()))
def test_every_optimizer_works_on_two_steps(optimizer: str, tmp_path: Path) -> None:
    values: dict[str, Any] = {"optimizer": optimizer, "parameters": SMALL[optimizer]}

    one, listener, _ = execute(two_step_spec(tmp_path / "1", **values))
    four, _, _ = execute(two_step_spec(tmp_path / "4", threads=4, **values))

    assert one.finish in ("improved", "no_improvement", "worse"), one.message
    assert one.winner is not None
    assert four.winner is not None
    assert one.winner.fingerprint == four.winner.fingerprint
    assert set(one.winner.state) >= {"condense", "route"}
    low, high = listener.known_work
    assert low <= listener.calls <= high * 1.05


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": [{"name": "gists"}]}, "Step route reads “gists”, which is neither an input"),
        ({"inputs": [{"name": "team"}]}, "made by itself; only earlier steps"),
        ({"inputs": [{"name": "gist", "type": "int"}]}, "reads “gist” as int, but it is made as str"),
        ({"name": "condense"}, "Two steps are called “condense”"),
        ({"outputs": [{"name": "message"}]}, "“message” exists already"),
        ({"tools": ["calculator"]}, "only ReAct calls tools"),
        ({"module": "ReAct"}, "needs at least one tool"),
        ({"module": "Retrieve"}, "needs a dataset of passages"),
        ({"passages": "x"}, "only Retrieve reads passages"),
    ],
)
def test_wiring_is_checked(change: dict[str, Any], said: str) -> None:
    first, second = two_step_program()["steps"]

    with pytest.raises(SpecError, match=said):
        program_from_data({"steps": [first, second | change]})


def test_a_step_may_not_read_what_comes_later() -> None:
    first, second = two_step_program()["steps"]

    with pytest.raises(SpecError, match="made by the later step condense"):
        program_from_data({"steps": [second, first], "given": first["inputs"]})


def test_a_later_step_may_read_an_input_that_the_first_does_not() -> None:
    first, second = two_step_program()["steps"]
    more = [{"name": "message"}, {"name": "tone"}]
    second = second | {"inputs": [{"name": "gist"}, {"name": "tone"}]}

    program = program_from_data({"steps": [first, second], "given": more, "gives": ["gist", "team"]})

    assert [field.name for field in program.inputs] == ["message", "tone"]
    assert [field.name for field in program.outputs] == ["gist", "team"]
    assert program_from_data(program.to_data()) == program


def test_steps_without_new_features_keep_their_identity() -> None:
    data = routing_program()
    assert set(program_from_data(data).to_data()) == {"steps"}
    assert set(program_from_data(data).to_data()["steps"][0]) == {"name", "module", "instructions", "inputs", "outputs"}


def test_react_calls_its_tools(tmp_path: Path) -> None:
    program = routing_program(
        module="ReAct",
        instructions="Work out the number.",
        tools=["calculator"],
        inputs=[{"name": "question"}],
        outputs=[{"name": "result", "type": "float"}],
    )
    rows = [ExampleData(n, {"question": f"Calculate {n} * 3 + 1"}, {"result": n * 3.0 + 1}) for n in range(2, 26)]
    baseline = state_of(build(program_from_data(program)))
    made = spec(tmp_path, program=program, baseline=baseline, optimizer="BootstrapFewShot", train=rows[:8])
    made = msgspec.structs.replace(
        made,
        validation=rows[8:14],
        test=rows[14:],
        metric=Metric("numeric_tolerance", "result", {"absolute": 0.01, "relative": 0.0}),
    )

    outcome, _, ledger = execute(made)

    assert set(baseline) == {"answer.act", "answer.answer"}
    assert outcome.baseline is not None
    assert not any(result.error for result in outcome.baseline.test)
    assert ledger.total.calls > 3 * len(rows[8:])  # thought, tool, finish, answer
    assert outcome.finish in ("improved", "no_improvement", "worse", "perfect_score"), outcome.message


@pytest.mark.parametrize(
    ("expression", "value"), [("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("-2 ** 3", -8), ("7 // 2 + 7 % 2", 4)]
)
def test_calculator(expression: str, value: float) -> None:
    assert calculator(expression) == value


@pytest.mark.parametrize("expression", ["__import__('os')", "2 ** 9999", "a + 1", "(1).real", "'x' * 9", "1" * 300])
def test_calculator_calculates_and_nothing_else(expression: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        calculator(expression)


def test_days_between() -> None:
    assert days_between("2024-02-28", "2024-03-01") == 2


def test_retrieval_finds_the_passage_and_is_deterministic(tmp_path: Path) -> None:
    passages = ("The parcel office opens at nine.", "Refunds take five days.", "Reset the password on the login page.")
    program = program_from_data(
        {
            "steps": [
                {
                    "name": "find", "module": "Retrieve", "instructions": "", "k": 2, "passages": "hash",
                    "inputs": [{"name": "question"}], "outputs": [{"name": "passages", "type": "list[str]"}],
                },
                {
                    "name": "answer", "module": "Predict", "instructions": "Answer from the passages.",
                    "inputs": [{"name": "question"}, {"name": "passages", "type": "list[str]"}],
                    "outputs": [{"name": "answer"}],
                },
            ]
        }
    )  # fmt: skip

    assert search(passages, "how do I reset my password", 1) == [passages[2]]
    assert search(passages, "zebra", 2) == list(passages[:2])
    assert program.predictors == 1
    assert list(state_of(build(program, None, {"hash": passages}))) == ["answer"]


def test_code_programs_are_optimized_like_others(registry: Registry, tmp_path: Path) -> None:
    @sdk.dspy_worker(
        "triage",
        inputs=[{"name": "message"}],
        outputs=[{"name": "team", "type": "enum", "options": list(TEAMS)}],
        description="Sorts messages.",
    )
    class Triage(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.choose = dspy.Predict(
                dspy.Signature({"message": (str, dspy.InputField()), "team": (str, dspy.OutputField())}, "Choose.")
            )

        def forward(self, message: str) -> dspy.Prediction:
            return self.choose(message=message)

    program = describe_code("triage")
    baseline = state_of(build(program))
    outcome, _, _ = execute(spec(tmp_path, program=program.to_data(), baseline=baseline))

    assert program.predictors == 1
    assert list(baseline) == ["choose"]
    assert outcome.finish == "improved", outcome.message
    assert outcome.winner is not None
    assert outcome.winner.state["choose"]["demos"]
    registry.workers.clear()
    with pytest.raises(LookupError, match="No code registers the worker “triage”"):
        build(program)


def test_optimizers_and_proposers_from_code(registry: Registry, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    @sdk.optimizer(
        "FirstExamples",
        summary="Takes the first examples as demos.",
        work=lambda sizes, parameters: (0, 0),
        parameters=(
            {"name": "k", "label": "Demos", "kind": "int", "default": 3, "help": "How many.", "low": 1, "high": 9},
        ),
    )
    def first_examples(job: Any) -> Any:
        for predictor in job.module.predictors():
            predictor.demos = job.train[: job.parameters["k"]]
        return job.module

    @sdk.instruction_proposer("terse")
    class Terse:
        def __call__(self, candidate: dict[str, str], reflective_dataset: Any, components_to_update: list[str]) -> Any:
            asked.append(components_to_update)
            return {name: f"{candidate[name]} Be terse." for name in components_to_update}

    outcome, _, _ = execute(spec(tmp_path, optimizer="FirstExamples", parameters={"k": 2}))
    assert outcome.winner is not None
    assert len(outcome.winner.state["answer"]["demos"]) == 2

    parameters = {"auto": "manual", "max_metric_calls": 80, "instruction_proposer": "terse"}
    _, listener, ledger = execute(spec(tmp_path, optimizer="GEPA", parameters=parameters))
    assert asked
    assert any("Be terse." in c.state["answer"]["instructions"] for c in listener.candidates)
    assert ledger.roles["teacher"].calls == 0

    with pytest.raises(ValueError, match="registered twice"):
        sdk.instruction_proposer("terse")(Terse)
