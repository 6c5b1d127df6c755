"""How a worker is watched, and what people say about incidents."""

from typing import Any

from django import forms

from analytics.models import WatchPolicy
from analytics.services.incidents import VERDICTS
from optimizer_app.common.forms import ServiceForm

POINTS = 100
LEVELS: dict[str, tuple[str, float]] = {
    "success": ("Success below, %", 100), "score": ("Score below, %", 100), "error_rate": ("Errors above, %", 100),
    "latency_ms": ("95th percentile of latency above, ms", 1), "cost": ("Cost of a call above, USD", 1),
}  # fmt: skip


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


class LevelsForm(ServiceForm):
    """Plain levels over the last hour, and what happens when nobody calls. Shares in per cent."""

    prefix = "levels"
    no_data = forms.ChoiceField(choices=WatchPolicy.NoData.choices, label="When nobody calls any more")
    no_data_hours = forms.IntegerField(min_value=1, max_value=1000, initial=24, label="for so many hours")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for measure, (label, _) in LEVELS.items():
            for severity in ("warning", "critical"):
                self.fields[f"{measure}_{severity}"] = forms.FloatField(
                    required=False,
                    min_value=0,
                    label=f"{label}: {severity}",
                    widget=forms.NumberInput(attrs={"aria-label": f"{label}: {severity}"}),
                )

    def rows(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Each measure with its two levels."""
        return [
            (label, [self[f"{measure}_{severity}"] for severity in ("warning", "critical")])
            for measure, (label, _) in LEVELS.items()
        ]

    @classmethod
    def of(cls, policy: WatchPolicy, data: Any = None) -> "LevelsForm":
        """The form with what holds now."""
        kept = {
            f"{measure}_{severity}": LEVELS[measure][1] * value
            for measure, limits in policy.levels.items() for severity, value in limits.items()
        }  # fmt: skip
        return cls(data, initial={"no_data": policy.no_data, "no_data_hours": policy.no_data_hours, **kept})

    def told(self) -> dict[str, Any]:
        """As the service takes it."""
        levels: dict[str, dict[str, float]] = {}
        for measure, (_, factor) in LEVELS.items():
            for severity in ("warning", "critical"):
                value = self.cleaned_data[f"{measure}_{severity}"]
                if value is not None:
                    levels.setdefault(measure, {})[severity] = value / factor
        kept = {name: self.cleaned_data[name] for name in ("no_data", "no_data_hours")}
        return {"levels": levels, **kept}


class VerdictForm(ServiceForm):
    """What an incident was."""

    verdict = forms.ChoiceField(choices=list(VERDICTS.items()), label="What was it?")


class IncidentNoteForm(ServiceForm):
    """A line of the timeline."""

    text = forms.CharField(max_length=2000, label="Note", widget=forms.Textarea(attrs={"rows": 2}))


class SnoozeForm(ServiceForm):
    """For how long it is quiet."""

    hours = forms.IntegerField(min_value=1, max_value=720, initial=4, label="Hours")
