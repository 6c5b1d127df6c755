"""Forms about datasets."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import Dataset, Split, Worker
from optimizer_app.services.dataset_versions import DEFAULT_SHARES


class DatasetForm(ServiceForm):
    """A new dataset."""

    worker = forms.ModelChoiceField(
        Worker.objects.all(),
        required=False,
        empty_label="none: passages for retrieval",
        label="For",
        help_text="The dataset takes the input and output fields of this worker. Passages have one text each.",
    )
    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))


class UploadForm(ServiceForm):
    """A file with examples."""

    file = forms.FileField(
        label="File", help_text="CSV, JSONL, JSON, Parquet, a zipped Hugging Face folder, OpenAI fine-tuning JSONL",
        widget=forms.FileInput(attrs={"accept": ".csv,.jsonl,.ndjson,.json,.parquet,.zip"}),
    )  # fmt: skip


class ForkForm(ServiceForm):
    """A dataset that begins as a frozen version."""

    name = forms.CharField(max_length=100, label="Name of the new dataset")


class MappingForm(ServiceForm):
    """Which column holds which field."""

    skip_other_values = forms.BooleanField(
        required=False,
        initial=True,
        label="Leave out rows with other values",
        help_text="Rows whose label is not allowed are left out and counted. Off: each is reported as an error.",
    )

    def __init__(self, dataset: Dataset, columns: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "choose a column"), *((column, column) for column in columns)]
        inputs = {field.name for field in dataset.input_fields()}
        for field in dataset.fields():
            role = "input" if field.name in inputs else "expected output"
            self.fields[field.name] = forms.ChoiceField(
                choices=choices, label=field.name, help_text=role, initial=_likely(field.name, columns)
            )
        if not any(field.type == "enum" for field in dataset.output_fields()):
            del self.fields["skip_other_values"]
        self.order_fields([*(name for name in self.fields if name != "skip_other_values"), "skip_other_values"])

    def mapping(self) -> dict[str, str]:
        """field -> column."""
        return {name: value for name, value in self.cleaned_data.items() if name != "skip_other_values"}


class FreezeForm(ServiceForm):
    """How a version is split."""

    train = forms.IntegerField(label="Train %", min_value=1, max_value=98, help_text="The optimizer learns from these.")
    validation = forms.IntegerField(
        label="Validation %", min_value=1, max_value=98, help_text="The optimizer chooses among candidates with these."
    )
    test = forms.IntegerField(
        label="Test %",
        min_value=1,
        max_value=98,
        help_text="Sealed: only for before/after. More of them show smaller gains.",
    )
    stratify_by = forms.ChoiceField(
        required=False, label="Balance by", help_text="Each value gets its share of every split."
    )
    group_by = forms.ChoiceField(
        required=False, label="Keep together",
        help_text="Rows with the same value share a split. Near-duplicates and all that is about one person always do.",
    )  # fmt: skip
    at_most = forms.IntegerField(
        required=False, label="At most", min_value=14, help_text="Examples to use, drawn evenly. Empty: all of them."
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 2, initial=0, help_text="The same seed draws the same split."
    )

    def __init__(self, dataset: Dataset, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = [field.name for field in dataset.output_fields() if field.type in ("enum", "bool")]
        stratify: Any = self.fields["stratify_by"]
        stratify.choices = [*((name, name) for name in labels), ("", "nothing")]
        stratify.initial = labels[0] if labels else ""
        group: Any = self.fields["group_by"]
        group.choices = [("", "only what is alike"), *((field.name, field.name) for field in dataset.input_fields())]
        for split, share in DEFAULT_SHARES.items():
            self.fields[split.value].initial = round(share * 100)

    def shares(self) -> dict[Split, float]:
        """The split's shares, 0 to 1."""
        return {split: self.cleaned_data[split.value] / 100 for split in Split}


def _likely(name: str, columns: list[str]) -> str:
    lowered = {column.lower(): column for column in columns}
    return lowered.get(name.lower(), "")
