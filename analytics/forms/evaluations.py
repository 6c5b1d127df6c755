"""Bring in evaluations."""

from django import forms

from optimizer_app.common.forms import ServiceForm


class EvaluationsForm(ServiceForm):
    """One file of results."""

    file = forms.FileField(
        label="File", help_text="CSV, JSONL, JSON or Parquet; columns example, variant, score, and more if known."
    )
