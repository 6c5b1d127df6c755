"""Fine-tune the lexical model: a logistic regression per output with a closed set of answers."""

import json
import tempfile
from pathlib import Path
from typing import Any

from dspy.clients.provider import Provider, TrainingJob
from dspy.clients.utils_finetune import TrainDataFormat

from optimizer_app.engine.finetune.artifacts import keep
from optimizer_app.engine.gate import Gate
from optimizer_app.engine.offline.prompt import parse, sections
from optimizer_app.engine.offline.text import inverse_frequency
from optimizer_app.engine.offline.weights import FILE, document, raw_features

REGULARIZATION, ITERATIONS = 8.0, 300
Rows = list[tuple[str, str]]  # (input text, answer)


class LexicalProvider(Provider):
    """DSPy's provider of the lexical model. Raises only ordinary errors: others would hang DSPy's job for ever."""

    def __init__(self, gate: Gate, artifacts: Path) -> None:
        super().__init__()
        self.finetunable = True
        self.TrainingJob = TrainingJob
        self._gate = gate
        self._artifacts = artifacts

    def __deepcopy__(self, memo: object) -> "LexicalProvider":
        return self

    def finetune(
        self,
        job: TrainingJob,
        model: str,
        train_data: list[dict[str, Any]],
        train_data_format: TrainDataFormat,
        train_kwargs: dict[str, Any] | None = None,
    ) -> str:
        """The name of the tuned model. Raises ValueError when nothing in the data can be learned."""
        fields = {}
        for name, rows in sorted(_rows(train_data).items()) or [("", [])]:
            if stop := self._gate.stopped:
                raise RuntimeError(stop.message)
            classes = {answer for _, answer in rows}
            if 2 <= len(classes) <= max(2, len(rows) // 2):
                fields[name] = _fit(rows)
        if not fields:
            raise ValueError(_nothing_to_learn(_rows(train_data)))
        folder = Path(tempfile.mkdtemp(dir=self._artifacts))
        text = json.dumps({"base": model, "fields": fields}, sort_keys=True)
        (folder / FILE).write_text(text, encoding="utf-8")
        return f"offline/ft-{keep(folder, self._artifacts)}"


def _nothing_to_learn(rows: dict[str, Rows]) -> str:
    """Why no output can be learned."""
    values = {name: len({answer for _, answer in pairs}) for name, pairs in rows.items()}
    said = [
        f"{name} has one value only" if count == 1 else f"{name} has {count} values in {len(rows[name])} answers"
        for name, count in values.items()
    ]
    reason = ", ".join(said) or "no answer of the teacher scored well enough"
    return f"Nothing to learn: {reason}. The lexical model learns labels that repeat."


def _rows(train_data: list[dict[str, Any]]) -> dict[str, Rows]:
    """output field -> (input text, answer) of every conversation."""
    rows: dict[str, Rows] = {}
    for item in train_data:
        messages = item["messages"]
        system = messages[0]["content"] if messages[0]["role"] == "system" else ""
        task = parse(system, [(m["role"], m["content"]) for m in messages[:-1] if m["role"] != "system"])
        replied = sections(messages[-1]["content"])
        for output in task.outputs:
            if output.name in replied and output.name != "reasoning":
                rows.setdefault(output.name, []).append((task.text, replied[output.name]))
    return rows


def _fit(rows: Rows) -> dict[str, Any]:
    # Imported here: only training needs them.
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    idf = inverse_frequency([raw_features(text) for text, _ in rows])
    columns = {key: index for index, key in enumerate(sorted(idf))}
    starts, places, values = [0], [], []
    for text, _ in rows:
        for key, value in sorted(document(text, idf).items()):
            places.append(columns[key])
            values.append(value)
        starts.append(len(places))
    matrix = csr_matrix((values, places, starts), shape=(len(rows), len(columns)))
    fitted = LogisticRegression(C=REGULARIZATION, max_iter=ITERATIONS).fit(matrix, [answer for _, answer in rows])
    weights, bias = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # one row of weights, for the second class
        weights, bias = np.vstack([-weights[0], weights[0]]), np.array([-bias[0], bias[0]])
    names = list(columns)
    return {
        "classes": [str(label) for label in fitted.classes_],
        "intercept": [round(float(value), 6) for value in bias],
        "coefficients": [
            {names[index]: round(float(w), 6) for index, w in enumerate(row) if abs(w) > 1e-6} for row in weights
        ],
        "idf": {key: round(value, 6) for key, value in idf.items()},
        "rows": len(rows),
    }
