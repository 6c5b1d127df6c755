"""Forms about executions, review and collection."""

from typing import Any
from uuid import UUID

from django import forms

from optimizer_app.common.forms import SeenForm, ServiceForm
from optimizer_app.engine.matching import as_text
from optimizer_app.engine.spec import Field
from optimizer_app.models import CollectionRule, Dataset, Execution, LanguageModel, Worker
from optimizer_app.privacy.policy import RULES
from optimizer_app.privacy.spans import KINDS
from optimizer_app.selectors.datasets import datasets_for
from optimizer_app.selectors.executions import ExecutionFilter

MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class ExecutionFilterForm(SeenForm):
    """What the list shows; every field stands in the address."""

    worker = forms.ModelChoiceField(Worker.objects.all(), required=False, to_field_name="name", empty_label="all")
    outcome = forms.ChoiceField(
        required=False, choices=[("", "any"), ("success", "succeeded"), ("error", "failed")], label="Outcome"
    )
    version = forms.IntegerField(required=False, min_value=0)
    label = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "exact value"}))
    error_kind = forms.CharField(required=False, label="Error kind", help_text="exact, e.g. TimeoutError")
    path = forms.ChoiceField(required=False, choices=[("", "any"), *Execution.Path.choices], label="Answered by")
    score_from = forms.FloatField(required=False, min_value=0, max_value=1, label="Score from")
    score_to = forms.FloatField(required=False, min_value=0, max_value=1, label="Score to")
    since = forms.DateTimeField(required=False, widget=MOMENT, label="Since")
    until = forms.DateTimeField(required=False, widget=MOMENT, label="Until")
    tag = forms.CharField(required=False, label="Metadata", help_text="name=value")
    trace_id = forms.CharField(required=False, label="Trace id")
    id = forms.CharField(required=False, label="Execution id")
    text = forms.CharField(
        required=False,
        label="Text",
        help_text="in the newest 1,000 matches: bodies are encrypted and opened one by one",
    )

    def clean(self) -> dict[str, Any]:
        """A version alone says nothing: every worker has a version 0."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("version") is not None and not cleaned.get("worker"):
            self.add_error("version", "Choose the worker whose version it is.")
        if (wanted := cleaned.get("id")) and not _is_uuid(wanted):
            self.add_error("id", "This is not the id of an execution.")
        return cleaned

    def wanted(self) -> ExecutionFilter:
        """The filter; fields with errors are left out."""
        values = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if worker := values.pop("worker", None):
            values["worker"] = worker.name
        return ExecutionFilter(**values)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def value_field(field: Field, initial: object = None) -> forms.Field:
    """A form field for one output: a choice where the values are closed, else text."""
    shown = as_text(initial) if initial is not None else None
    options = field.options if field.type == "enum" else ("yes", "no") if field.type == "bool" else ()
    if options:
        choices = [("", "choose"), *((option, option) for option in options)]
        return forms.ChoiceField(choices=choices, label=field.name, initial=shown, required=False)
    area = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(label=field.name, help_text=field.description, widget=area, initial=shown, required=False)


class OutputsForm(ServiceForm):
    """The right answer, output by output."""

    prefix = "out"

    def __init__(self, fields: tuple[Field, ...], values: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in fields:
            self.fields[field.name] = value_field(field, values.get(field.name))

    def outputs(self) -> dict[str, object]:
        """What was filled in."""
        return {name: value for name, value in self.cleaned_data.items() if value != ""}


class VerdictForm(ServiceForm):
    """How good an execution was."""

    score = forms.FloatField(required=False, min_value=0, max_value=1, help_text="0 is wrong, 1 is right")
    comment = forms.CharField(required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
    correct = forms.BooleanField(required=False, label="The answer below is the right one")


class RuleForm(ServiceForm):
    """A collection rule."""

    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=CollectionRule.Kind.choices, label="Collects")
    dataset = forms.ModelChoiceField(Dataset.objects.none(), empty_label=None)
    score_limit = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Score limit",
        help_text="Good answers score at least this, failures less. Empty: the score does not matter.",
    )  # fmt: skip
    feedback_limit = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Feedback limit",
        help_text="The same for what users and people said; judged when they say it.",
    )  # fmt: skip
    sample_percent = forms.FloatField(min_value=0.01, max_value=100, initial=100, label="Sample, %")
    cap_per_label = forms.IntegerField(required=False, min_value=1, label="At most, per label")
    needs_review = forms.BooleanField(
        required=False, initial=True, label="A person approves each one",
        help_text="Off: good answers go straight into the dataset, with the program's answer as the expected one.",
    )  # fmt: skip

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dataset: Any = self.fields["dataset"]
        dataset.queryset = datasets_for(worker)


class PrivacyForm(ServiceForm):
    """What is done with personal data in a worker's executions."""

    default = forms.ChoiceField(choices=RULES.items(), label="Fields that are not named below")
    off = forms.MultipleChoiceField(
        required=False, choices=KINDS.items(), widget=forms.CheckboxSelectMultiple, label="Leave in place"
    )
    patterns = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Your own patterns",
        help_text="One a line: name = regular expression, for example case = C-\\d{6}",
    )  # fmt: skip

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        kept = worker.privacy
        lines = "\n".join(f"{name} = {pattern}" for name, pattern in kept.get("patterns", {}).items())
        initial = {"default": kept.get("default", "redact"), "off": kept.get("off", []), "patterns": lines}
        super().__init__(*args, **{"initial": initial, **kwargs})
        program = worker.spec()
        self.names = [field.name for field in (*program.inputs, *program.outputs)]
        for name in self.names:
            self.fields[f"field_{name}"] = forms.ChoiceField(
                choices=[("", "as above"), *RULES.items()], required=False, label=name,
                initial=kept.get("fields", {}).get(name, ""),
            )  # fmt: skip

    def clean_patterns(self) -> dict[str, str]:
        """name -> expression."""
        lines = [line for line in self.cleaned_data["patterns"].splitlines() if line.strip()]
        pairs = [line.partition("=") for line in lines]
        if bad := [
            line for line, (name, sign, rest) in zip(lines, pairs, strict=True) if not (name.strip() and rest.strip())
        ]:
            raise forms.ValidationError(f"“{bad[0]}” is not name = expression.")
        return {name.strip(): rest.strip() for name, _, rest in pairs}

    def policy(self) -> dict[str, Any]:
        """The policy as it is stored."""
        fields = {name: rule for name in self.names if (rule := self.cleaned_data[f"field_{name}"])}
        kept = {name: self.cleaned_data[name] for name in ("default", "off", "patterns")}
        return kept | {"fields": fields}


class SampleForm(SeenForm):
    """A text to see what would be replaced in it."""

    sample = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), label="Text", help_text="Nothing of it is stored.", max_length=20_000
    )


class RetentionForm(ServiceForm):
    """How long a worker's executions are kept."""

    days = forms.IntegerField(required=False, min_value=1, max_value=36_500, label="Days", help_text="Empty: for ever")
    count = forms.IntegerField(required=False, min_value=1, label="Newest", help_text="Empty: all of them")


class SuggestForm(ServiceForm):
    """Which language model proposes answers."""

    model = forms.ModelChoiceField(LanguageModel.objects.all(), empty_label=None, label="Language model")


class ErasureForm(ServiceForm):
    """What is to be erased."""

    subject = forms.CharField(required=False, max_length=200, label="Person", help_text="As the code named the subject")
    execution = forms.UUIDField(required=False, label="or one execution id")
