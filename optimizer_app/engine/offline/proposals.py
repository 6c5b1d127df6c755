"""Answer an optimizer's own prompts: describe its data, propose an instruction; and those of a judge.

A request is recognised by the fields it supplies and asks for. The answers come only from what is inside it.
"""

import random
import re
from typing import Any

from optimizer_app.engine.offline.guidance import (
    compose,
    cue_block,
    cue_lines,
    merge,
    read,
    vary_habits,
    without_guidance,
)
from optimizer_app.engine.offline.lessons import advise, recombine, rules
from optimizer_app.engine.offline.mining import (
    discriminative_words,
    has_iso_dates,
    is_extractive,
    preceding_words,
    read_examples,
    read_prefixed,
)
from optimizer_app.engine.offline.prompt import Task
from optimizer_app.engine.offline.reflection import ISO_HINT, improve
from optimizer_app.engine.offline.text import content_stems

# requested output field -> input fields of which an optimizer supplies at least one
SIGNS = {
    "observations": {"examples"},
    "summary": {"observations"},
    "program_description": {"program_code"},
    "module_description": {"program_code"},
    "proposed_instruction": {"basic_instruction", "task_demos", "attempted_instructions"},
    "new_instruction": {"examples_with_feedback"},
    "module_advice": {"program_code"},
    "natural_language_rules": {"examples_text"},
    "grade": {"expected_answer"},
}
GRADES = ("wrong", "poor", "fair", "good", "excellent")
COPIED = "The outputs are copied from the input; these words stand before each of them."
TYPICAL = "The inputs are short texts and each has one expected output value; these words are typical of each value."
# Joining batches of observations, DSPy puts no separator between them.
RUN_ON = re.compile(rf"(?<!\n)({re.escape(TYPICAL[:30])}|{re.escape(COPIED[:30])})")


def is_request(task: Task) -> bool:
    """Whether the prompt comes from an optimizer rather than from a program."""
    return any(SIGNS.get(output.name, set()) & task.inputs.keys() for output in task.outputs)


def propose(task: Task, rng: random.Random | None) -> dict[str, Any]:
    """A value for every requested field."""
    names = {output.name for output in task.outputs}
    if "module_advice" in names:
        return advise(task.inputs, rng)
    if "grade" in names:
        return _graded(task.inputs)
    return {output.name: _text(output.name, task.inputs, rng) for output in task.outputs}


def _text(name: str, inputs: dict[str, str], rng: random.Random | None) -> str:
    if name == "observations":
        return _observations(inputs.get("examples", ""))
    if name == "summary":
        return _summary(inputs.get("observations", ""))
    if name == "proposed_instruction" and "attempted_instructions" in inputs:
        return recombine(inputs["attempted_instructions"], rng)
    if name == "proposed_instruction":
        return _instruction(inputs, rng)
    if name == "natural_language_rules":
        return rules(inputs.get("examples_text", ""), rng)
    if name == "new_instruction":
        return improve(inputs.get("current_instruction", ""), inputs.get("examples_with_feedback", ""), rng)
    if name in SIGNS:
        code = f"{inputs.get('module', '')}\n{inputs.get('program_code', '')}"
        shape = re.search(r"([\w, ]+->[\w, ]+)", code)
        fields = shape[1].strip() if shape else "in one step"
        return f"The program turns its input fields into its output fields ({fields})."
    return "The examples in the request show which words go with which output."


def _observations(text: str) -> str:
    shown = read_examples(text)
    if is_extractive(shown) and (cues := preceding_words(shown)):
        hint = f" {ISO_HINT}" if has_iso_dates(shown) else ""
        return f"{COPIED}{hint}\n{cue_block(cues)}\n"
    last_field = shown[-1].field if shown else ""
    cues = discriminative_words([item for item in shown if item.field == last_field])
    return f"{TYPICAL}\n{cue_block(cues)}\n" if cues else "COMPLETE"


def _summary(observations: str) -> str:
    observations = RUN_ON.sub(r"\n\1", observations)
    lead = COPIED if COPIED in observations else TYPICAL
    hint = f" {ISO_HINT}" if ISO_HINT in observations else ""
    return f"{lead}{hint}\n{cue_block(merge(cue_lines(observations)))}"


def _instruction(inputs: dict[str, str], rng: random.Random | None) -> str:
    base = inputs.get("basic_instruction", "")
    description = inputs.get("dataset_description", "")
    if COPIED in description:
        hinted = ISO_HINT in description and (rng is None or rng.random() < 0.7)
        sentence = without_guidance(base)
        return compose(f"{sentence} {ISO_HINT}" if hinted else sentence, frozenset(), cue_lines(description))
    from_demos = discriminative_words(read_prefixed(inputs.get("task_demos", "")))
    cues = merge(cue_lines(description), from_demos, cue_lines(base))
    if rng is not None:
        cues = {label: [w for w in found if rng.random() > 0.2] or found for label, found in cues.items()}
    return compose(without_guidance(base), vary_habits(rng, read(base).habits), cues)


def _graded(inputs: dict[str, str]) -> dict[str, str]:
    """A judge's grade by shared words: all the lexical model can see of likeness."""
    wanted, got = content_stems(inputs.get("expected_answer", "")), content_stems(inputs.get("answer", ""))
    share = 2 * len(wanted & got) / (len(wanted) + len(got)) if wanted and got else float(wanted == got)
    missing = ", ".join(sorted(wanted - got)[:6])
    reason = f"These expected words are missing: {missing}." if missing else "The words are the expected ones."
    return {"reason": reason, "grade": GRADES[round(share * (len(GRADES) - 1))]}
