"""Answer an optimizer's own prompts: describe its data, propose an instruction.

A request is recognised by the fields it supplies and asks for, as MIPROv2 and GEPA write them. The answers come
only from the examples inside the request.
"""

import random
import re

from optimizer_app.engine.offline.guidance import (
    compose,
    cue_block,
    cue_lines,
    merge,
    read,
    vary_habits,
    without_guidance,
)
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

# requested output field -> input fields of which an optimizer supplies at least one
SIGNS = {
    "observations": {"examples"},
    "summary": {"observations"},
    "program_description": {"program_code"},
    "module_description": {"program_code"},
    "proposed_instruction": {"basic_instruction", "task_demos"},
    "new_instruction": {"examples_with_feedback"},
}
COPIED = "The outputs are copied from the input; these words stand before each of them."
TYPICAL = "The inputs are short texts and each has one expected output value; these words are typical of each value."
# Joining batches of observations, DSPy puts no separator between them.
RUN_ON = re.compile(rf"(?<!\n)({re.escape(TYPICAL[:30])}|{re.escape(COPIED[:30])})")


def is_request(task: Task) -> bool:
    """Whether the prompt comes from an optimizer rather than from a program."""
    return any(SIGNS.get(output.name, set()) & task.inputs.keys() for output in task.outputs)


def propose(task: Task, rng: random.Random | None) -> dict[str, str]:
    """A text for every requested field."""
    return {output.name: _text(output.name, task.inputs, rng) for output in task.outputs}


def _text(name: str, inputs: dict[str, str], rng: random.Random | None) -> str:
    if name == "observations":
        return _observations(inputs.get("examples", ""))
    if name == "summary":
        return _summary(inputs.get("observations", ""))
    if name == "proposed_instruction":
        return _instruction(inputs, rng)
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
