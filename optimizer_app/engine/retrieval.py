"""Find passages by shared words: TF-IDF and cosine, local and deterministic."""

from functools import lru_cache
from typing import Any

import dspy

from optimizer_app.engine.spec import Step

Passages = tuple[str, ...]


class Retriever(dspy.Module):
    """A retrieval step: the `k` passages most like the query, best first; equal ones in their own order."""

    def __init__(self, step: Step, passages: Passages) -> None:
        super().__init__()
        self.step = step
        self.passages = passages

    def forward(self, **inputs: Any) -> dspy.Prediction:
        query = inputs[self.step.inputs[0].name]
        return dspy.Prediction(**{self.step.outputs[0].name: search(self.passages, query, self.step.k)})

    def __deepcopy__(self, memo: object) -> "Retriever":
        return self  # learns nothing; a copied program must not copy its passages


def search(passages: Passages, query: str, k: int) -> list[str]:
    """The `k` best passages."""
    return [passages[number] for number in nearest(passages, query, k)]


def nearest(texts: Passages, query: str, k: int) -> list[int]:
    """The numbers of the `k` texts most like the query, best first; of equal ones the earlier first."""
    vectorizer, matrix = _index(texts)
    scores = (matrix @ vectorizer.transform([query]).T).toarray().ravel()
    return sorted(range(len(texts)), key=lambda number: (-scores[number], number))[:k]


@lru_cache(maxsize=8)
def _index(texts: Passages) -> Any:
    # Imported here: scikit-learn takes 30 MB, and most workers do not retrieve.
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")  # noqa: S106 - a pattern of words
    return vectorizer, vectorizer.fit_transform(texts)
