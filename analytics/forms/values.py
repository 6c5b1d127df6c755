"""What a worker's answers are worth, and what if."""

from collections.abc import Mapping
from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm


class ValueForm(ServiceForm):
    """Money in USD."""

    correct_usd = forms.FloatField(
        required=False, min_value=0, label="One more correct answer is worth, USD",
        help_text="What a wrong answer costs you: the minutes of whoever mends it, times their wage. Empty: not known.",
    )  # fmt: skip
    second_usd = forms.FloatField(
        min_value=0, label="One second saved on a call, USD", help_text="0 where nobody waits."
    )
    person_hours = forms.FloatField(
        min_value=0, label="People's hours so far", help_text="Spent on this worker's data and optimizations."
    )
    person_hour_usd = forms.FloatField(min_value=0, label="An hour of a person, USD")
    compute_hour_usd = forms.FloatField(
        min_value=0, label="An hour of computing, USD", help_text="Of the machine that runs optimizations."
    )
    horizon_days = forms.IntegerField(
        min_value=7, max_value=1825, label="Horizon, days", help_text="How far ahead the forecast looks."
    )


class WhatIfForm(forms.Form):
    """Other circumstances, in the address. Each number has a slider around what holds now: to a tenth and to ten times
    of it, or where it may be negative, five times to both sides."""

    value = forms.FloatField(required=False, min_value=0, max_value=1e6, label="Worth of a correct answer, USD")
    per_day = forms.FloatField(required=False, min_value=0, max_value=1e9, label="Calls a day")
    cost = forms.FloatField(required=False, min_value=-1e4, max_value=1e4, label="A call costs more by, USD")

    @classmethod
    def around(cls, now: Mapping[str, float | None], data: Mapping[str, Any] | None) -> "WhatIfForm":
        """The form with what is asked, else with what holds now."""
        shown = {name: None if value is None else float(f"{value:.4g}") for name, value in now.items()}
        made = cls(data) if data else cls(initial=shown)
        for name, usual in (("value", 0.05), ("per_day", 100.0), ("cost", 0.001)):
            kind = "linear" if name == "cost" else "log"
            base = abs(now.get(name) or 0.0) or usual
            made.fields[name].widget.attrs |= {"data-slider": kind, "data-base": f"{base:.6g}"}
        return made
