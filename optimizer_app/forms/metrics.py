"""Forms about metrics."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.engine.metrics import COMPOSITE, metric_kinds
from optimizer_app.models import Dataset, LanguageModel, Metric, Worker


class MetricForm(ServiceForm):
    """A new metric."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(choices=())
    field = forms.CharField(
        required=False,
        max_length=60,
        help_text="The output to score. Empty: every output, and the mean of their scores.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["kind"]
        kinds.choices = [(name, f"{kind.label}: {kind.help}") for name, kind in metric_kinds().items()]


class JudgeForm(ServiceForm):
    """Which language model judges."""

    judge = forms.ModelChoiceField(
        LanguageModel.objects.all(), label="Judge", empty_label=None, help_text="Its calls are counted as the judge's."
    )


class PartForm(forms.Form):
    """One part of a composite."""

    metric = forms.ModelChoiceField(Metric.objects.exclude(kind=COMPOSITE).order_by("id"), required=False)
    weight = forms.FloatField(min_value=0.001, max_value=1000, initial=1, required=False)
    required = forms.BooleanField(required=False, label="Required: below 1 the whole is 0")


PartFormSet = forms.formset_factory(PartForm, extra=4)


class TryForm(ServiceForm):
    """Where to try a metric."""

    dataset = forms.ModelChoiceField(Dataset.objects.exclude(outputs=[]), empty_label=None)


class AgreementForm(ServiceForm):
    """Whose answers to score, and which other metric to compare with."""

    worker = forms.ModelChoiceField(Worker.objects.all(), empty_label=None, label="Answers of")
    other = forms.ModelChoiceField(
        Metric.objects.all(), required=False, label="Compare with", empty_label="people only"
    )
