"""How a worker is watched, and what people say about incidents."""

from typing import Any

from django import forms

from analytics.services.incidents import VERDICTS
from optimizer_app.common.forms import ServiceForm

POINTS = 100


class WatchForm(ServiceForm):
    """Two knobs a person understands: how rarely it may be wrong, and how small a drop is worth an alert."""

    enabled = forms.BooleanField(required=False, initial=True, label="Watch this worker")
    days = forms.IntegerField(
        min_value=1, max_value=3650, initial=30, label="At most one false alarm in, days",
        help_text="All signals together. Fewer days notice sooner.",
    )  # fmt: skip
    success = forms.FloatField(
        required=False, min_value=0.5, max_value=50, label="Smallest drop of success worth an alert, points",
        help_text="Empty: 5 points, or 2 where 97 % and more succeed.",
    )  # fmt: skip
    score = forms.FloatField(
        required=False, min_value=0.5, max_value=50, label="Smallest drop of the score worth an alert, points",
        help_text="Empty: 5 points. Latency counts from a quarter slower on, cost from a fifth dearer on.",
    )  # fmt: skip

    def drops(self) -> dict[str, float]:
        """By signal, as shares of 1."""
        told: dict[str, Any] = self.cleaned_data
        return {name: told[name] / POINTS for name in ("success", "score") if told[name] is not None}


class VerdictForm(ServiceForm):
    """What an incident was."""

    verdict = forms.ChoiceField(choices=list(VERDICTS.items()), label="What was it?")


class IncidentNoteForm(ServiceForm):
    """A line of the timeline."""

    text = forms.CharField(max_length=2000, label="Note", widget=forms.Textarea(attrs={"rows": 2}))


class SnoozeForm(ServiceForm):
    """For how long it is quiet."""

    hours = forms.IntegerField(min_value=1, max_value=720, initial=4, label="Hours")
