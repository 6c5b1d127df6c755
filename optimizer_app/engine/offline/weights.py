"""What fine-tuning the lexical model leaves behind: one logistic regression per labeled output, as JSON."""

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from optimizer_app.engine.offline.text import features

FILE = "weights.json"
TUNED = "/ft-"  # a tuned model is called offline/ft-<hash of its folder>


class Weights:
    """Reads `{"fields": {name: {"classes", "intercept", "coefficients", "idf"}}}`."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._fields = data["fields"]

    def scores(self, field: str, text: str) -> dict[str, float]:
        """Probability of each class; empty for a field that was not trained."""
        if field not in self._fields:
            return {}
        trained = self._fields[field]
        found = document(text, trained["idf"])
        logits = [
            bias + sum(value * weights.get(key, 0.0) for key, value in found.items())
            for weights, bias in zip(trained["coefficients"], trained["intercept"], strict=True)
        ]
        top = max(logits)
        exponents = [math.exp(logit - top) for logit in logits]
        return {c: e / sum(exponents) for c, e in zip(trained["classes"], exponents, strict=True)}


def raw_features(text: str) -> dict[str, float]:
    """The features that training and answering share."""
    return features(text, stemmed=True, stop_weight=0.3, char_weight=0.5, pair_weight=0.5)


def document(text: str, idf: dict[str, float]) -> dict[str, float]:
    """The text's known features, weighted and brought to length 1."""
    weighted = {key: value * idf[key] for key, value in raw_features(text).items() if key in idf}
    length = math.sqrt(sum(value * value for value in weighted.values())) or 1.0
    return {key: value / length for key, value in weighted.items()}


def load_weights(artifacts: Path, model: str) -> Weights | None:
    """The weights of a tuned model, None for the plain one. Raises FileNotFoundError if they are gone."""
    name = model.partition(TUNED)[2]
    return _read(artifacts / name / FILE) if name else None


@lru_cache(maxsize=4)
def _read(path: Path) -> Weights:
    return Weights(json.loads(path.read_text(encoding="utf-8")))
