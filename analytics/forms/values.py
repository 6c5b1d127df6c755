"""What a worker's answers are worth, and what if."""

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
    """Other circumstances, in the address."""

    value = forms.FloatField(required=False, min_value=0, max_value=1e6, label="Worth of a correct answer, USD")
    per_day = forms.FloatField(required=False, min_value=0, max_value=1e9, label="Calls a day")
    cost = forms.FloatField(required=False, min_value=-1e4, max_value=1e4, label="A call costs more by, USD")
