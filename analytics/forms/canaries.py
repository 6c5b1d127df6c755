"""Put a version on trial."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import ProgramVersion, Worker

POINTS = 100


class CanaryForm(ServiceForm):
    """Which version, how much of the traffic, and what difference matters; in per cent and points."""

    version = forms.ModelChoiceField(ProgramVersion.objects.none(), empty_label=None, label="Version")
    share = forms.FloatField(min_value=1, max_value=50, initial=20, label="Share of the calls, %")
    smallest = forms.FloatField(
        min_value=0.5, max_value=50, initial=5, label="Smallest difference that matters, points",
        help_text="Smaller ones take more calls: half the difference, four times the calls.",
    )  # fmt: skip
    most_calls = forms.IntegerField(
        min_value=100, max_value=10_000_000, initial=20_000, label="Calls of both versions, at most"
    )

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = worker.versions.exclude(pk=worker.active_version_id or 0).defer("state").select_related("worker")
        self.fields["version"].queryset = others  # type: ignore[attr-defined]

    def told(self) -> dict[str, Any]:
        """As the service takes it, beside the version."""
        told = self.cleaned_data
        return {
            "share": told["share"] / POINTS, "smallest": told["smallest"] / POINTS, "most_calls": told["most_calls"],
        }  # fmt: skip


class EndForm(ServiceForm):
    """How a person ends it."""

    promote = forms.BooleanField(required=False, label="Promote the version on trial")
    why = forms.CharField(max_length=500, label="Why", required=False)
