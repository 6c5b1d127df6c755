"""Forms about workers."""

from typing import TYPE_CHECKING, Any

from django import forms

from optimizer_app.engine.spec import FIELD_TYPES, MODULES
from optimizer_app.forms.base import ServiceForm
from optimizer_app.models import LanguageModel, Metric


class WorkerEditForm(ServiceForm):
    """What can be changed later."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    language_model = forms.ModelChoiceField(LanguageModel.objects.all(), label="Language model", empty_label=None)
    metric = forms.ModelChoiceField(
        Metric.objects.order_by("id"),
        empty_label=None,
        help_text="What counts as a good answer. Optimization raises this number.",
    )


class WorkerForm(WorkerEditForm):
    """A new worker: the step, beside what can be changed later."""

    module = forms.ChoiceField(choices=list(MODULES.items()), label="How it answers")
    instructions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One or two plain sentences. An optimizer may find better ones.",
    )


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


class InputsForm(ServiceForm):
    """A value for every input of a worker, as text; types are checked by the service."""

    prefix = "input"  # a worker may call an input what the page calls something else

    def __init__(self, names: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, description in names:
            self.fields[name] = forms.CharField(
                label=name, help_text=description, widget=forms.Textarea(attrs={"rows": 3})
            )


class ReasonForm(ServiceForm):
    """Why a version is promoted or rolled back."""

    reason = forms.CharField(required=False, max_length=500)
