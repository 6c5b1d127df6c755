"""When a worker is optimized by itself."""

from typing import Any

from django import forms

from analytics.models import TriggerPolicy
from optimizer_app.common.forms import ServiceForm
from optimizer_app.selectors.optimizers import optimizer_names

POINTS = 100
SHARES = ("least_gain", "least_pays", "canary_share")
PARTS = {
    "What starts a run": ("enabled", "dry_run", "on_degradation", "cron", "new_examples", "on_model_change"),
    "The run": ("optimizer", "run_usd", "run_calls"),
    "What holds it back": ("cooldown_hours", "monthly_usd", "quiet_from", "quiet_to", "most_at_once"),
    "What becomes of the winner": (
        "promote", "canary_share", "canary_calls", "least_gain", "most_cost_percent", "most_latency_percent",
        "least_pays", "rollback_hours",
    ),
}  # fmt: skip


class TriggerForm(ServiceForm):
    """In the words of the page; gains in points, probabilities in per cent."""

    enabled = forms.BooleanField(required=False, label="Look for reasons to optimize")
    dry_run = forms.BooleanField(required=False, label="On trial: only note what would have been started")
    on_degradation = forms.BooleanField(required=False, label="When success or score fell")
    cron = forms.CharField(
        required=False, max_length=100, label="On a schedule", help_text="A cron line: 0 3 * * 1 is Mondays at three."
    )
    new_examples = forms.IntegerField(required=False, min_value=1, label="When so many examples are new")
    on_model_change = forms.BooleanField(required=False, label="When the language model was exchanged")
    optimizer = forms.ChoiceField(choices=lambda: [(name, name) for name in optimizer_names()])
    run_usd = forms.FloatField(required=False, min_value=0, label="Budget of a run, USD")
    run_calls = forms.IntegerField(required=False, min_value=1, label="Budget of a run, calls")
    cooldown_hours = forms.IntegerField(min_value=0, label="Hours between runs, at least")
    monthly_usd = forms.FloatField(required=False, min_value=0, label="Budget of a month, USD")
    quiet_from = forms.IntegerField(required=False, min_value=0, max_value=23, label="Quiet from, o'clock")
    quiet_to = forms.IntegerField(required=False, min_value=0, max_value=23, label="to, o'clock")
    most_at_once = forms.IntegerField(min_value=1, label="Runs of all workers at once, at most")
    promote = forms.ChoiceField(choices=TriggerPolicy.Promote.choices, label="If it passes every check")
    canary_share = forms.FloatField(
        min_value=1, max_value=50, label="Share of the calls for a version on trial, %",
        help_text="Only where it answers a part of the calls first.",
    )  # fmt: skip
    canary_calls = forms.IntegerField(min_value=100, label="A trial ends after calls of both versions, at most")
    least_gain = forms.FloatField(
        min_value=0, max_value=100, label="Gain on the sealed test split, points, at least",
        help_text="Its interval must lie above zero, and no group may be shown to be worse.",
    )  # fmt: skip
    most_cost_percent = forms.FloatField(required=False, min_value=0, label="A call may cost more by, %")
    most_latency_percent = forms.FloatField(required=False, min_value=0, label="The 95th percentile of latency, by, %")
    least_pays = forms.FloatField(
        required=False, min_value=0, max_value=100, label="Probability that it pays, %, at least"
    )
    rollback_hours = forms.IntegerField(
        min_value=0, label="Roll back if quality falls within hours of a promotion", help_text="0: a person decides."
    )

    @classmethod
    def of(cls, policy: TriggerPolicy, data: Any = None) -> "TriggerForm":
        """The form with what holds now."""
        kept = {name: getattr(policy, name) for name in cls.base_fields}
        for name in SHARES:
            kept[name] = None if kept[name] is None else POINTS * kept[name]
        return cls(data, initial=kept)

    def told(self) -> dict[str, Any]:
        """As the service takes it."""
        told = dict(self.cleaned_data)
        for name in SHARES:
            told[name] = None if told[name] is None else told[name] / POINTS
        return told

    def parts(self) -> dict[str, list[forms.BoundField]]:
        """The fields under their headings."""
        return {heading: [self[name] for name in names] for heading, names in PARTS.items()}
