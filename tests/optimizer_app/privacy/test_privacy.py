"""Personal data: found on the labelled cases, replaced consistently, never at the price of other text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.privacy.detection import PatternTooSlowError, find, may_hold
from optimizer_app.privacy.policy import Policy, policy_problems
from optimizer_app.privacy.redaction import Redactor
from tests.bench.privacy import cases, ours, score


def redacted(text: str, policy: Policy | None = None) -> str:
    redactor = Redactor(policy or Policy())
    return str(redactor.again(redactor.values({"message": text}))["message"])


def test_the_labelled_cases_are_found_and_the_others_left_alone() -> None:
    counts = score(ours()[0])
    hit, total, alarms = counts["all"]

    assert sum(1 for _ in cases()) >= 300
    assert hit / total >= 0.98
    assert hit / (hit + alarms) >= 0.99
    assert min(found / marks for found, marks, _ in counts.values()) >= 0.9


def test_the_same_person_stays_the_same_person_within_a_record() -> None:
    redactor = Redactor(Policy())
    inputs = redactor.values(
        {"message": "My name is Maria Keller. Mail mk@example.com or x@example.com.", "note": "MK@example.com"}
    )
    outputs = redactor.values({"answer": "Dear Mrs Keller, thank you, Maria."})

    assert redactor.again(inputs) == {
        "message": "My name is [PERSON_1]. Mail [EMAIL_1] or [EMAIL_2].",
        "note": "[EMAIL_1]",
    }
    assert redactor.again(outputs) == {"answer": "Dear Mrs [PERSON_1], thank you, [PERSON_1]."}


def test_every_kind_of_value_is_looked_into() -> None:
    redactor = Redactor(Policy(closed={"team": ("K1", "K2")}))
    values = {
        "deep": {"list": ["a@b.example", 5, None, True]}, "number": 4111111111111111, "small": 42,
        "customer_name": "Zebedee", "team": "K1", "keyed": {"x@y.example": 1},
    }  # fmt: skip

    assert redactor.values({"team": "not K1 but a@b.example"}) == {"team": "not K1 but [EMAIL_1]"}
    assert redactor.values(values) == {
        "deep": {"list": ["[EMAIL_1]", 5, None, True]}, "number": "[CARD_1]", "small": 42,
        "customer_name": "[PERSON_1]", "team": "K1", "keyed": {"[EMAIL_2]": 1},
    }  # fmt: skip


def test_kinds_can_be_left_and_patterns_added() -> None:
    policy = Policy(off=("email",), patterns={"case": r"C-\d{4}"})

    assert redacted("a@b.example about C-1234 from 10.1.2.3", policy) == "a@b.example about [CUSTOM_1] from [IP_1]"
    assert policy_problems(Policy(patterns={"bad": "(", "empty": "x*"})) == [
        "The pattern “bad” cannot be used: not a regular expression: missing ) at position 1.",
        "The pattern “empty” cannot be used: it matches the empty text.",
    ]
    with pytest.raises(PatternTooSlowError, match="slow"):
        redacted("a" * 60 + "!", Policy(patterns={"slow": "(a|aa)+$"}))


@given(st.text(max_size=200))
def test_redaction_is_stable_and_never_fails(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once or "[" in text


@given(st.text(max_size=120))
def test_what_the_quick_look_rules_out_holds_nothing(text: str) -> None:
    if not may_hold(text):
        assert find(text) == []


@given(st.sampled_from([text for text, marks in cases() if marks]), st.text(alphabet="abc ,.", max_size=30))
def test_marks_are_found_wherever_they_stand(text: str, before: str) -> None:
    assert may_hold(before + text)
