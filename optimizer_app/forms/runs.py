"""Forms about runs."""

from typing import Any

from django import forms

from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.forms.base import ServiceForm
from optimizer_app.models import DatasetVersion, Worker
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.services.runs import MAX_SEED

DEFAULT_OPTIMIZER = "BootstrapFewShotWithRandomSearch"


class RunForm(ServiceForm):
    """What to run. Parameters are a form of their own, because they depend on the optimizer."""

    dataset_version = forms.ModelChoiceField(DatasetVersion.objects.none(), label="Dataset version", empty_label=None)
    optimizer = forms.ChoiceField(
        choices=[(name, name) for name in optimizers()], widget=forms.RadioSelect, initial=DEFAULT_OPTIMIZER
    )
    seed = forms.IntegerField(
        min_value=0, max_value=MAX_SEED, initial=0, help_text="The same seed and data give the same version."
    )

    max_calls = forms.IntegerField(required=False, min_value=1, label="Calls")
    max_usd = forms.FloatField(
        required=False, min_value=0, label="USD", widget=forms.NumberInput(attrs={"step": "any"})
    )
    max_minutes = forms.FloatField(
        required=False, min_value=0, label="Minutes", widget=forms.NumberInput(attrs={"step": "any"})
    )

    def budget(self) -> Budget:
        """The limits of baseline and search."""
        cleaned = self.cleaned_data
        return Budget(calls=cleaned["max_calls"], usd=cleaned["max_usd"], minutes=cleaned["max_minutes"])

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions: Any = self.fields["dataset_version"]
        versions.queryset = dataset_versions_for(worker)
        versions.label_from_instance = version_label


def version_label(version: DatasetVersion) -> str:
    """Name and sizes of a dataset version."""
    counts = version.counts
    return f"{version}: {counts['train']} train, {counts['validation']} validation, {counts['test']} test"
