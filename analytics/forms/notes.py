"""Notes on charts."""

from django import forms

from optimizer_app.common.forms import ServiceForm


class NoteForm(ServiceForm):
    """When something happened, and what."""

    at = forms.DateTimeField(
        label="When", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    text = forms.CharField(max_length=200, label="What happened")
    everywhere = forms.BooleanField(required=False, label="On every worker's charts")
