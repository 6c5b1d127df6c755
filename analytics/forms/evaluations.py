"""Bring in evaluations."""

from django import forms

from optimizer_app.common.forms import ServiceForm

MOST_BYTES = 64 * 1024 * 1024


class EvaluationsForm(ServiceForm):
    """One file of results."""

    file = forms.FileField(
        label="File", help_text="CSV, JSONL, JSON or Parquet; columns example, variant, score, and more if known."
    )

    def clean_file(self) -> object:
        """Not larger than what is read at once."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {MOST_BYTES // 2**20} MB. Split it.")
        return file
