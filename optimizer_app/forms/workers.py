"""Forms about workers."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import LanguageModel, Metric


class WorkerForm(ServiceForm):
    """What a worker is beside its program; all of it can be changed later."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    language_model = forms.ModelChoiceField(LanguageModel.objects.all(), label="Language model", empty_label=None)
    metric = forms.ModelChoiceField(
        Metric.objects.order_by("id"),
        empty_label=None,
        help_text="What counts as a good answer. Optimization raises this number.",
    )
    latency_need_ms = forms.IntegerField(
        required=False,
        min_value=1,
        label="An answer is needed within, ms",
        help_text="Only if callers cannot wait: advice before a run then says what fits.",
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
