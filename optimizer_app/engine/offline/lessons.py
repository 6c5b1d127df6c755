"""Answer the requests of COPRO, SIMBA and InferRules: better instructions from attempts, contrasts and examples."""

import json
import random
import re
from typing import Any

from optimizer_app.engine.offline.guidance import (
    HABITS,
    compose,
    cue_lines,
    read,
    vary_habits,
    without_guidance,
)
from optimizer_app.engine.offline.mining import Shown, discriminative_words
from optimizer_app.engine.offline.text import STOP_WORDS, words

ATTEMPT = re.compile(
    r"Instruction #\d+: (.*?)»?\s*(?:\[\d+\] )?«?Prefix #\d+: .*?Resulting Score #\d+: ([\d.]+)", re.DOTALL
)
EXAMPLE = re.compile(r"Input Fields:\n(.*?)\n\n=========\nOutput Fields:\n(.*?)\n\n", re.DOTALL)
LABELLED = re.compile(r"^(\w+): ", re.MULTILINE)
BY_WORDS = "Decide by the words of the input."
BEST_ATTEMPTS, ADVICE_WORDS = 3, 6


def recombine(attempts: str, rng: random.Random | None) -> str:
    """COPRO: a new instruction from earlier ones and their scores."""
    scored = sorted(
        ((float(score), text.strip(" «»\n")) for text, score in ATTEMPT.findall(attempts)),
        key=lambda attempt: attempt[0],
        reverse=True,
    )
    if not scored:
        return "Read the input and produce the output."
    best, worst = scored[:BEST_ATTEMPTS], scored[-BEST_ATTEMPTS:]
    lead = best[0][1]
    kept = set()
    for habit in HABITS:
        good = sum(habit.key in read(text).habits for _, text in best) / len(best)
        bad = sum(habit.key in read(text).habits for _, text in worst) / len(worst)
        chance = 0.15 + 0.5 * good + 0.3 * (habit.key in read(lead).habits) - 0.25 * (bad > good)
        if (rng.random() if rng else 0.5) < chance:
            kept.add(habit.key)
    return compose(without_guidance(lead), frozenset(kept), cue_lines(lead))


def rules(examples_text: str, rng: random.Random | None) -> str:
    """InferRules: rules from labeled examples; some words are left out at random, so that candidates differ."""
    shown = [
        Shown(LABELLED.sub("", inputs), "output", LABELLED.sub("", outputs.strip()))
        for inputs, outputs in EXAMPLE.findall(examples_text + "\n\n")
    ]
    cues = discriminative_words(shown, drop=0.25 if rng else 0.0, rng=rng)
    return compose(BY_WORDS, vary_habits(rng, frozenset()), cues)


def advise(inputs: dict[str, str], rng: random.Random | None) -> dict[str, Any]:
    """SIMBA: what a better and a worse run of one example teach each module."""
    task, gold = _loaded(inputs, "program_inputs"), _loaded(inputs, "oracle_metadata")
    better = _loaded(inputs, "better_program_outputs")
    modules = json.loads(inputs.get("module_names") or "[]")
    right = str([*gold.values(), *better.values(), ""][0]) if not gold else str(list(gold.values())[-1])
    text = " ".join(map(str, task.values()))
    telling = [w for w in dict.fromkeys(words(text)) if w not in STOP_WORDS and len(w) > 3][:ADVICE_WORDS]
    habits = frozenset({rng.choice(HABITS).key}) if rng else frozenset()
    advice = compose(BY_WORDS, habits, {right: telling} if right and telling else {})
    said = f"The better run gave {right}; the words {', '.join(telling) or 'of the input'} tell them apart."
    return {"discussion": said, "module_advice": dict.fromkeys(modules, advice)}


def _loaded(inputs: dict[str, str], name: str) -> dict[str, Any]:
    try:
        data = json.loads(inputs.get(name) or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
