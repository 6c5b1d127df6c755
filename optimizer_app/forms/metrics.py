"""Forms about metrics."""

from django import forms

from optimizer_app.engine.metrics import metric_kinds
from optimizer_app.forms.base import ServiceForm
from optimizer_app.models import Dataset


class MetricForm(ServiceForm):
    """A new metric."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(choices=[(name, f"{kind.label}: {kind.help}") for name, kind in metric_kinds().items()])
    field = forms.CharField(
        required=False,
        max_length=60,
        help_text="The output to score. Empty: every output, and the mean of their scores.",
    )


class TryForm(ServiceForm):
    """Where to try a metric."""

    dataset = forms.ModelChoiceField(Dataset.objects.all(), empty_label=None)
