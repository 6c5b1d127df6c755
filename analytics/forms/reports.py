"""Plan and share reports."""

import calendar

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import Worker

DAYS = list(enumerate(calendar.day_name))


class PlanForm(ServiceForm):
    """Who gets which report, and when."""

    worker = forms.ModelChoiceField(Worker.objects.all(), required=False, empty_label="all workers", label="Report of")
    recipients = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), help_text="E-mail addresses, one on a line.", max_length=5000
    )
    weekday = forms.TypedChoiceField(choices=DAYS, coerce=int, initial=0, label="Every")
    hour = forms.IntegerField(min_value=0, max_value=23, initial=8, label="At, o'clock")

    def addresses(self) -> list[str]:
        """The lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["recipients"].splitlines() if line.strip()]


class LinkForm(ServiceForm):
    """What is shown, and for how long."""

    worker = forms.ModelChoiceField(Worker.objects.all(), required=False, empty_label="all workers", label="Report of")
    days = forms.IntegerField(min_value=1, max_value=365, initial=14, label="Open for, days")
