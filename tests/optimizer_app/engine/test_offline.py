"""The built-in lexical model: a pure function of its prompt."""

import subprocess
import sys
from typing import Literal

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.engine.offline.guidance import compose, cue_lines, merge, read, without_guidance
from optimizer_app.engine.offline.lm import LexicalLM
from optimizer_app.engine.offline.mining import Shown, discriminative_words, preceding_words
from optimizer_app.engine.offline.prompt import parse, render
from optimizer_app.engine.offline.spans import find, iso_date, locate, number_of
from optimizer_app.engine.offline.text import stem

TEAMS = ("K1", "K2")
CODE = """
import dspy
from typing import Literal
from optimizer_app.engine.offline.lm import LexicalLM
with dspy.context(lm=LexicalLM(temperature=1.0), trace=None):
    fields = {"m": (str, dspy.InputField()), "t": (Literal["a", "b", "c"], dspy.OutputField())}
    predict = dspy.Predict(dspy.Signature(fields, "Choose."))
    print([predict(m=f"message {n}").t for n in range(30)])
"""


def routing(instructions: str = "Choose the team.") -> dspy.Predict:
    fields = {"message": (str, dspy.InputField()), "team": (Literal[TEAMS], dspy.OutputField())}
    return dspy.Predict(dspy.Signature(fields, instructions))


@pytest.mark.parametrize("adapter", [dspy.ChatAdapter(), dspy.JSONAdapter()])
def test_it_answers_by_the_nearest_demonstration(adapter: dspy.Adapter) -> None:
    predict = routing()
    predict.demos = [
        dspy.Example(message="the invoice is wrong", team="K1"),
        dspy.Example(message="the parcel is late", team="K2"),
    ]
    with dspy.context(lm=LexicalLM(), adapter=adapter, trace=None):
        assert predict(message="a question about an invoice").team == "K1"
        assert predict(message="where is the parcel").team == "K2"


def test_it_answers_by_cue_words_in_the_instruction() -> None:
    instruction = compose("Choose the team.", frozenset({"stems"}), {"K1": ["invoice", "refund"], "K2": ["parcel"]})
    with dspy.context(lm=LexicalLM(), trace=None):
        assert routing(instruction)(message="my parcels did not come").team == "K2"
        assert routing(instruction)(message="refunds please").team == "K1"


def test_it_knows_nothing_that_the_prompt_does_not_say() -> None:
    with dspy.context(lm=LexicalLM(), trace=None):
        assert {routing()(message=text).team for text in ("invoice", "parcel", "anything")} == {"K1"}


def test_temperature_is_seeded_and_varies_by_rollout() -> None:
    answers = set()
    with dspy.context(lm=LexicalLM(), trace=None):
        for rollout in range(12):
            config = {"temperature": 1.0, "rollout_id": rollout}
            first = routing()(message="hello", config=config).team
            assert first == routing()(message="hello", config=config).team
            answers.add(first)
    assert answers == set(TEAMS)


def test_answers_do_not_depend_on_the_process() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(printed) == 1


def test_values_are_copied_from_beside_the_words_that_demos_show() -> None:
    fields = {"email": (str, dspy.InputField()), "total": (float, dspy.OutputField()), "due": (str, dspy.OutputField())}
    predict = dspy.Predict(dspy.Signature(fields, "Read the invoice."))
    predict.demos = [dspy.Example(email="Deposit $5.00, total $80.00, due 3 May 2026.", total=80.0, due="2026-05-03")]
    with dspy.context(lm=LexicalLM(), trace=None):
        answer = predict(email="Deposit $7.00, total $1,250.50, due 9 June 2026.")
    assert (answer.total, answer.due) == (1250.5, "2026-06-09")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-03-04", "2026-03-04"), ("4 March 2026", "2026-03-04"), ("March 4, 2026", "2026-03-04"),
        ("04.03.2026", "2026-03-04"), ("25/12/26", "2026-12-25"), ("4 March", None), ("soon", None),
    ],
)  # fmt: skip
def test_dates_are_understood(text: str, date: str | None) -> None:
    assert iso_date(text) == date


def test_values_are_found_in_their_source() -> None:
    text = "Order PO-77 of Alder & Sons: $1,250.50 due 9 June 2026."
    assert locate(text, "2026-06-09") == (text.index("9 June"), text.index(".", 40))
    assert locate(text, "1250.5") is not None
    assert locate(text, "elsewhere") is None
    assert find("code", text)[0][2] == "PO-77"
    assert number_of("$1,250.50") == 1250.5


def test_an_instruction_is_read_back_as_it_was_composed() -> None:
    cues = {"K1": ["invoice", "refund"], "K2": ["parcel"]}
    text = compose("Choose the team.", frozenset({"stems", "rare"}), cues)

    assert read(text).habits == {"stems", "rare"}
    assert cue_lines(text) == cues
    assert without_guidance(text) == "Choose the team."


def test_a_word_claimed_by_two_labels_stays_with_the_stronger_claim() -> None:
    merged = merge({"a": ["x", "y"]}, {"a": ["x"], "b": ["y", "x"]})

    assert merged["a"] == ["x"]
    assert merged["b"] == ["y"]


def test_mining_finds_telling_words() -> None:
    shown = [Shown(f"the {w} is late", "team", t) for w, t in (("invoice", "K1"), ("invoices", "K1"), ("parcel", "K2"))]
    assert discriminative_words(shown)["K2"] == ["parcel"]
    copied = [Shown("80 euros, payable by the 9th", "due", "9"), Shown("a total of 80 euros", "total", "80")]
    assert preceding_words(copied) == {"due": ["euros", "payable"], "total": ["total"]}


def test_words_of_one_family_share_a_stem() -> None:
    assert len({stem(word) for word in ("arrive", "arrived", "arriving", "arrival")}) == 1


@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=100)), max_size=4),
)
def test_any_prompt_gets_an_answer(system: str, messages: list[tuple[str, str]]) -> None:
    task = parse(system, messages)
    assert isinstance(render(task, {output.name: "x" for output in task.outputs}), str)
