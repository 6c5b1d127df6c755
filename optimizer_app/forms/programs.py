"""The form of a program: its inputs, and its steps with what each reads and makes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from optimizer_app.common.forms import SeenForm
from optimizer_app.engine.spec import FIELD_TYPES, MODULES, MOST_PASSAGES, MOST_STEPS, MOST_TURNS, Field, Program
from optimizer_app.engine.tools import tools
from optimizer_app.selectors.datasets import passage_versions

NEW_INPUT = [{"name": "text", "type": "str"}]
NEW_OUTPUT = [{"name": "label", "type": "enum"}]
STEP_PLACE, OUTPUT_PLACE = "__step__", "__prefix__"


class FieldForm(forms.Form):
    """One input or output field of a program."""

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"placeholder": "name", "spellcheck": "false"}))
    type = forms.ChoiceField(choices=list(FIELD_TYPES.items()), initial="str")
    description = forms.CharField(
        required=False, max_length=300, widget=forms.TextInput(attrs={"placeholder": "what it holds (optional)"})
    )
    options = forms.CharField(
        required=False,
        label="Allowed values",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "one per line", "spellcheck": "false"}),
    )

    def to_data(self) -> dict[str, Any]:
        """The field as the program's data holds it."""
        cleaned = self.cleaned_data
        options = [line.strip() for line in cleaned["options"].splitlines() if line.strip()]
        return {key: cleaned[key] for key in ("name", "type", "description")} | {"options": options}


if TYPE_CHECKING:
    _BaseFieldFormSet = forms.BaseFormSet[FieldForm]
else:  # Django's formsets are generic to type checkers only
    _BaseFieldFormSet = forms.BaseFormSet


class _FieldFormSet(_BaseFieldFormSet):
    def to_data(self) -> list[dict[str, Any]]:
        """The filled rows, in order."""
        return [
            form.to_data()
            for form in self.forms
            if form.cleaned_data.get("name") and not form.cleaned_data.get("DELETE")
        ]


FieldFormSet: type[_FieldFormSet] = forms.formset_factory(  # type: ignore[assignment]
    FieldForm, formset=_FieldFormSet, extra=0, min_num=1, can_delete=True, max_num=40
)


class StepForm(SeenForm):
    """One step: how it answers, and what it reads. What it makes is a formset beside it."""

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"spellcheck": "false"}))
    module = forms.ChoiceField(choices=list(MODULES.items()), label="How it answers")
    instructions = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two plain sentences. An optimizer may find better ones.",
    )
    reads = forms.CharField(
        required=False,
        max_length=600,
        help_text="Names of inputs and of what earlier steps make, with commas. Empty: all inputs of the program.",
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )
    tools = forms.MultipleChoiceField(required=False, choices=(), widget=forms.CheckboxSelectMultiple)
    turns = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_TURNS, label="Tool calls, at most", initial=4
    )
    passages = forms.ChoiceField(
        required=False, label="Passages", help_text="A frozen dataset of passages. Make one under Datasets."
    )
    k = forms.IntegerField(required=False, min_value=1, max_value=MOST_PASSAGES, label="Passages per call", initial=3)
    DELETE = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # a retrieval step has nothing to be told
        self.fields["instructions"].required = self.data.get(self.add_prefix("module")) != "Retrieve"
        self.fields["tools"].choices = [(name, name) for name in tools()]  # type: ignore[attr-defined]
        known = [(version.content_hash, str(version)) for version in passage_versions()]
        self.fields["passages"].choices = [("", "choose a dataset"), *known]  # type: ignore[attr-defined]


class StepRows:
    """A step form with the formset of its outputs."""

    def __init__(self, number: int | str, data: QueryDict | None, initial: Mapping[str, Any] | None = None) -> None:
        self.number = number
        initial = initial or {"name": f"step{number + 1}" if isinstance(number, int) else "", "outputs": NEW_OUTPUT}
        self.form = StepForm(data, prefix=f"steps-{number}", initial=dict(initial))
        self.outputs = FieldFormSet(data, prefix=f"steps-{number}-outputs", initial=initial["outputs"])

    @property
    def deleted(self) -> bool:
        return bool(self.form.data.get(f"steps-{self.number}-DELETE"))

    def is_valid(self) -> bool:
        return self.deleted or all([self.form.is_valid(), self.outputs.is_valid()])

    def to_data(self, known: dict[str, dict[str, Any]], all_inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """The step as data; `known` are the fields it may read, by name. Unknown names stay, to be refused there."""
        cleaned = self.form.cleaned_data
        names = [name.strip() for name in cleaned["reads"].split(",") if name.strip()]
        reads = [known.get(name, {"name": name}) for name in names] or all_inputs
        step = {
            "name": cleaned["name"],
            "module": cleaned["module"],
            "instructions": cleaned["instructions"],
            "inputs": reads,
            "outputs": self.outputs.to_data(),
        }
        if cleaned["module"] == "ReAct":
            step |= {"tools": cleaned["tools"], "turns": cleaned["turns"] or 4}
        if cleaned["module"] == "Retrieve":
            step |= {"passages": cleaned["passages"], "k": cleaned["k"] or 3}
        return step


class ProgramForm:
    """The inputs and the steps together."""

    def __init__(self, data: QueryDict | None, program: Program | None = None) -> None:
        start = _initial(program)
        self.inputs = FieldFormSet(data, prefix="inputs", initial=start["inputs"])
        wanted = data.get("steps-TOTAL", "1") if data else ""
        count = min(int(wanted), MOST_STEPS) if wanted.isdecimal() else len(start["steps"])
        given = start["steps"]
        self.steps = [StepRows(n, data, given[n] if n < len(given) else None) for n in range(count)]

    @property
    def empty_step(self) -> StepRows:
        """What the page copies for a further step."""
        return StepRows(STEP_PLACE, None)

    def is_valid(self) -> bool:
        return all([self.inputs.is_valid(), *(step.is_valid() for step in self.steps)])

    def to_data(self) -> dict[str, Any]:
        """The program as data, still to be checked."""
        inputs = self.inputs.to_data()
        known = {field["name"]: field for field in inputs}
        steps = []
        for step in self.steps:
            if step.deleted:
                continue
            made = step.to_data(known, inputs)
            steps.append(made)
            known |= {field["name"]: field for field in made["outputs"]}
        data: dict[str, Any] = {"steps": steps}
        if steps and steps[0]["inputs"] != inputs:
            data["given"] = inputs
        return data


def _initial(program: Program | None) -> dict[str, Any]:
    if program is None:
        return {"inputs": NEW_INPUT, "steps": [{"name": "answer", "outputs": NEW_OUTPUT}]}
    return {
        "inputs": [_row(field) for field in program.inputs],
        "steps": [
            {
                "name": step.name,
                "module": step.module,
                "instructions": step.instructions,
                "reads": ", ".join(field.name for field in step.inputs) if step.inputs != program.inputs else "",
                "tools": list(step.tools),
                "turns": step.turns,
                "passages": step.passages,
                "k": step.k,
                "outputs": [_row(field) for field in step.outputs],
            }
            for step in program.steps
        ],
    }


def _row(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "description": field.description,
        "options": "\n".join(field.options),
    }
