"""Programs made around a program: an ensemble that votes, and one that picks its demos by likeness.

Their data is part of the state (ASSEMBLED), so that a version of theirs is JSON like every other.
"""

from collections.abc import Mapping
from typing import Any

import dspy

from optimizer_app.engine.programs import ProgramModule, State, build, state_of
from optimizer_app.engine.retrieval import nearest

ENSEMBLE, NEAREST = "ensemble", "nearest"


class EnsembleModule(ProgramModule):
    """Several states of one program; each output is the value that most of them give, the earliest of equals."""

    def __init__(self, best: ProgramModule, members: list[State]) -> None:
        super().__init__(best.program, best.passages)
        self.steps = best.steps
        self.tuned = best.tuned
        self.assembled: dict[str, Any] = {"kind": ENSEMBLE, "members": members}
        # not an attribute that DSPy walks: optimizers and pages see the best member's predictors only
        self._members = (best, *(build(best.program, state, best.passages) for state in members[1:]))

    def run(self, inputs: Mapping[str, Any], demos: Mapping[str, list[Any]]) -> dspy.Prediction:
        answers = [member.run(inputs, demos) for member in self._members]
        return dspy.Prediction(**{name: _most_frequent(answers, name) for name in answers[0].keys()})  # noqa: SIM118


class NearestModule(ProgramModule):
    """Answers each call with the `k` most similar stored examples as demos."""

    def __init__(self, base: ProgramModule, k: int, stored: list[dict[str, Any]]) -> None:
        super().__init__(base.program, base.passages)
        self.steps = base.steps
        self.tuned = base.tuned
        self.assembled: dict[str, Any] = {"kind": NEAREST, "k": k, "examples": stored}
        self._texts = tuple("\n".join(map(str, example["inputs"].values())) for example in stored)

    def run(self, inputs: Mapping[str, Any], demos: Mapping[str, list[Any]]) -> dspy.Prediction:
        stored = self.assembled["examples"]
        found = nearest(self._texts, "\n".join(map(str, inputs.values())), self.assembled["k"])
        # the most similar one last, next to the question
        chosen = [stored[number] for number in reversed(found)]
        own = {
            name: [dspy.Example(**example["demos"][name]) for example in chosen if name in example["demos"]]
            for name in self.steps
        }
        return super().run(inputs, {name: some for name, some in own.items() if some} | dict(demos))


def assemble(module: ProgramModule, data: Mapping[str, Any]) -> ProgramModule:
    """The assembly that a state describes, around the module built from the rest of the state."""
    if data["kind"] == ENSEMBLE:
        return EnsembleModule(module, data["members"])
    return NearestModule(module, data["k"], data["examples"])


def ensemble_of(members: list[ProgramModule]) -> EnsembleModule:
    """An ensemble of modules, best first."""
    return EnsembleModule(members[0], [state_of(member) for member in members])


def _most_frequent(answers: list[dspy.Prediction], name: str) -> Any:
    values = [answer[name] for answer in answers if name in answer]
    return max(values, key=values.count)
