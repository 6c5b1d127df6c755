"""Choose one of a closed set of answers: nearest demonstrations, cue lines, and the options' own names."""

import math
import random
from collections import Counter

from optimizer_app.engine.offline.guidance import Guidance, cue_scores, normalized
from optimizer_app.engine.offline.prompt import OutputField, Task
from optimizer_app.engine.offline.text import (
    STOP_WORDS,
    cosine,
    features,
    inverse_frequency,
    stem,
    stems,
    words,
)

NEIGHBOURS = 5
LEARNED_WEIGHT = 6.0
CUE_WEIGHT = 0.55
NOISE = 0.12  # Gumbel noise per unit of temperature

Scores = dict[str, float]


def classify(
    task: Task,
    output: OutputField,
    options: tuple[str, ...],
    guidance: Guidance,
    rng: random.Random | None,
    temperature: float,
    learned: Scores,
) -> str:
    """The option with the highest score; the first one listed wins a tie."""
    scores = dict.fromkeys(options, 0.0)
    for source in (
        _demo_votes(task, output, options, guidance),
        _scaled(cue_scores(guidance, options, stems(task.text)), CUE_WEIGHT),
        _name_matches(task.text, options, guidance),
        _scaled(learned, LEARNED_WEIGHT),
    ):
        for option, score in source.items():
            if option in scores:  # a fine-tuned model may know answers that are not asked for here
                scores[option] += score
    if rng is not None:
        for option in options:
            uniform = min(max(rng.random(), 1e-9), 1 - 1e-9)
            scores[option] -= NOISE * temperature * math.log(-math.log(uniform))
    return max(options, key=lambda option: scores[option])


def text_features(text: str, guidance: Guidance) -> dict[str, float]:
    """The features that the guidance's reading habits switch on."""
    on = guidance.habits
    return features(
        text,
        stemmed="stems" in on,
        stop_weight=0.0 if "stop" in on else 0.6,
        char_weight=0.6 if "chars" in on else 0.0,
        pair_weight=0.7 if "phrases" in on else 0.0,
    )


def _demo_votes(task: Task, output: OutputField, options: tuple[str, ...], guidance: Guidance) -> Scores:
    demos = [demo for demo in task.demos if output.name in demo.outputs]
    query = text_features(task.text, guidance)
    documents = [text_features("\n".join(demo.inputs.values()), guidance) for demo in demos]
    idf = inverse_frequency([*documents, query])
    power = 1.0 if "rare" in guidance.habits else 0.4
    nearest = sorted(
        ((cosine(query, document, idf, power), index) for index, document in enumerate(documents)), reverse=True
    )[:NEIGHBOURS]
    by_name = {normalized(option): option for option in options}
    weight = 3.0 if "examples" in guidance.habits else 2.0
    votes: Scores = {}
    for rank, (similarity, index) in enumerate(nearest):
        option = by_name.get(normalized(str(demos[index].outputs[output.name])))
        if option is not None:
            votes[option] = votes.get(option, 0.0) + weight * similarity**1.5 / (1 + 0.5 * rank)
    return votes


def _name_matches(text: str, options: tuple[str, ...], guidance: Guidance) -> Scores:
    stemmed = "stems" in guidance.habits
    present = set(stems(text) if stemmed else words(text))
    names = {
        option: {(stem(word) if stemmed else word) for word in normalized(option).split() if word not in STOP_WORDS}
        for option in options
    }
    spread = Counter(word for name in names.values() for word in name)
    weight = 0.6 if "names" in guidance.habits else 0.35
    return {
        option: weight * sum(1.0 / spread[word] for word in name & present) / math.sqrt(len(name))
        for option, name in names.items()
        if name
    }


def _scaled(scores: Scores, factor: float) -> Scores:
    return {option: factor * score for option, score in scores.items()}
