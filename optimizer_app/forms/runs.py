"""Forms about runs and batches."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.engine.gate import Budget
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.models import DatasetVersion, LanguageModel, Worker
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.services.run_checks import MAX_SEED

DEFAULT_OPTIMIZER = "BootstrapFewShotWithRandomSearch"


class BudgetForm(ServiceForm):
    """The most that may be used."""

    max_calls = forms.IntegerField(required=False, min_value=1, label="Calls")
    max_tokens = forms.IntegerField(required=False, min_value=1, label="Tokens")
    max_usd = forms.FloatField(
        required=False, min_value=0, label="USD", widget=forms.NumberInput(attrs={"step": "any"})
    )
    max_minutes = forms.FloatField(
        required=False, min_value=0, label="Minutes", widget=forms.NumberInput(attrs={"step": "any"})
    )

    def budget(self) -> Budget:
        """The limits as filled in; what is not valid is no limit yet."""
        found = {name: self.cleaned_data.get(f"max_{name}") for name in ("calls", "tokens", "usd", "minutes")}
        return Budget(**found)


class RunForm(BudgetForm):
    """What to run. Parameters are a form of their own, because they depend on the optimizer."""

    dataset_version = forms.ModelChoiceField(DatasetVersion.objects.none(), label="Dataset version", empty_label=None)
    optimizer = forms.ChoiceField(choices=(), widget=forms.RadioSelect, initial=DEFAULT_OPTIMIZER)
    seed = forms.IntegerField(
        min_value=0, max_value=MAX_SEED, initial=0, help_text="The same seed and data give the same version."
    )
    language_model = forms.ModelChoiceField(
        LanguageModel.objects.all(), label="Task", empty_label=None, help_text="Answers; the worker's own by default."
    )
    proposer = forms.ModelChoiceField(
        LanguageModel.objects.all(), required=False, label="Proposer", empty_label="the same",
        help_text="Writes instructions.",
    )  # fmt: skip
    teacher = forms.ModelChoiceField(
        LanguageModel.objects.all(), required=False, label="Teacher", empty_label="the same",
        help_text="Reflects on errors, makes demonstrations. A stronger model pays here.",
    )  # fmt: skip

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions: Any = self.fields["dataset_version"]
        versions.queryset = dataset_versions_for(worker)
        versions.label_from_instance = version_label
        known: Any = self.fields["optimizer"]
        known.choices = [(name, name) for name in optimizers()]
        self.fields["language_model"].initial = worker.language_model_id

    def models(self) -> dict[str, LanguageModel | None]:
        """Who answers, proposes and teaches."""
        return {name: self.cleaned_data.get(name) for name in ("language_model", "proposer", "teacher")}


class BatchForm(BudgetForm):
    """What the runs of a batch share."""

    name = forms.CharField(max_length=100)
    at_once = forms.IntegerField(
        min_value=1, max_value=32, initial=1, label="Runs at a time", help_text="The others wait."
    )
    seed = forms.IntegerField(min_value=0, max_value=MAX_SEED, initial=0)


class WorkersBatchForm(BatchForm):
    """One optimizer over several workers, each on its newest dataset version."""

    workers = forms.ModelMultipleChoiceField(Worker.objects.all(), widget=forms.CheckboxSelectMultiple)
    optimizer = forms.ChoiceField(choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: Any = self.fields["optimizer"]
        known.choices = [(name, name) for name in optimizers()]
        known.initial = DEFAULT_OPTIMIZER


class MatrixForm(BatchForm):
    """Models × optimizers on one dataset version."""

    dataset_version = forms.ModelChoiceField(DatasetVersion.objects.none(), label="Dataset version", empty_label=None)
    models = forms.ModelMultipleChoiceField(LanguageModel.objects.all(), widget=forms.CheckboxSelectMultiple)
    optimizers = forms.MultipleChoiceField(choices=(), widget=forms.CheckboxSelectMultiple)

    def __init__(self, worker: Worker, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions: Any = self.fields["dataset_version"]
        versions.queryset = dataset_versions_for(worker)
        versions.label_from_instance = version_label
        known: Any = self.fields["optimizers"]
        known.choices = [(name, f"{name}: {optimizer.summary}") for name, optimizer in optimizers().items()]
        known.initial = ["BootstrapFewShot", DEFAULT_OPTIMIZER]
        self.fields["models"].initial = [worker.language_model_id]
        self.fields["name"].initial = f"Matrix of {worker.name}"[:100]


def version_label(version: DatasetVersion) -> str:
    """Name and sizes of a dataset version."""
    counts = version.counts
    return f"{version}: {counts['train']} train, {counts['validation']} validation, {counts['test']} test"
