"""When nobody is told."""

from django import forms
from django.utils import timezone

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import Worker


class SilenceForm(ServiceForm):
    """From when to when, and why; times are in the time zone of the installation."""

    worker = forms.ModelChoiceField(Worker.objects.all(), required=False, empty_label="all workers", label="Worker")
    starts_at = forms.DateTimeField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        label="From",
        initial=lambda: timezone.localtime().replace(second=0, microsecond=0),
    )
    ends_at = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), label="Until")
    reason = forms.CharField(max_length=200, help_text="Maintenance, a planned change, …")
