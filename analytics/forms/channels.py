"""One form for each kind of channel."""

from typing import Any

from django import forms

from analytics.models import Channel
from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import Worker


class ChannelForm(ServiceForm):
    """What all kinds have. Fields of `SETTINGS` make up the channel's configuration."""

    SETTINGS: tuple[str, ...] = ()
    name = forms.CharField(max_length=100)
    worker = forms.ModelChoiceField(Worker.objects.all(), required=False, empty_label="all workers", label="Told of")
    topics = forms.MultipleChoiceField(
        choices=[
            ("incidents", "incidents"), ("runs", "runs: queued, ended"),
            ("versions", "versions: proposed, promoted, rolled back, on trial"),
        ],
        initial=["incidents"], widget=forms.CheckboxSelectMultiple, label="What",
    )  # fmt: skip
    least = forms.ChoiceField(
        choices=[("warning", "warnings and critical ones"), ("critical", "critical ones only")],
        label="Which incidents", help_text="Success, score and missing calls are critical, latency and cost warnings.",
    )  # fmt: skip
    after_minutes = forms.IntegerField(
        min_value=0, initial=0, label="Only incidents that nobody acknowledged for, minutes",
        help_text="0: at once. More makes this channel the escalation of another.",
    )  # fmt: skip
    hours_from = forms.IntegerField(required=False, min_value=0, max_value=23, label="From, o'clock")
    hours_to = forms.IntegerField(
        required=False, min_value=0, max_value=23, label="To, o'clock",
        help_text="Outside these hours messages wait. Empty: at any time.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Both hours, or none."""
        told = super().clean() or {}
        if (told.get("hours_from") is None) != (told.get("hours_to") is None):
            self.add_error("hours_to", "Say both hours, or none.")
        return told

    def routing(self) -> dict[str, Any]:
        """As the service takes it."""
        told = {name: self.cleaned_data[name] for name in ("topics", "least", "after_minutes")}
        opens, closes = self.cleaned_data["hours_from"], self.cleaned_data["hours_to"]
        return {**told, "hours": None if opens is None else (opens, closes)}

    def config(self) -> dict[str, Any]:
        """As the transport reads it."""
        return {name: self.cleaned_data[name] for name in self.SETTINGS}


class EmailForm(ChannelForm):
    """To whom."""

    SETTINGS = ("addresses",)
    addresses = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), help_text="One on a line.", max_length=5000)

    def clean_addresses(self) -> list[str]:
        """The lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]


class SlackForm(ChannelForm):
    """Slack, Mattermost, Discord with /slack at the end, and others that take Slack's incoming webhooks."""

    SETTINGS = ("url",)
    url = forms.CharField(max_length=2000, label="Address of the incoming webhook", help_text="Kept secret.")


class WebhookForm(ChannelForm):
    """Signed JSON."""

    SETTINGS = ("url", "secret")
    url = forms.CharField(max_length=2000, label="Address")
    secret = forms.CharField(
        max_length=200, label="Signing key",
        help_text="X-Uplift-Signature is the HMAC-SHA256 of X-Uplift-Time, a dot and the body. Refuse old times.",
    )  # fmt: skip


class PagerDutyForm(ChannelForm):
    """Events API v2."""

    SETTINGS = ("routing_key",)
    routing_key = forms.CharField(max_length=200, label="Integration key")


FORMS: dict[str, type[ChannelForm]] = {
    Channel.Kind.EMAIL: EmailForm, Channel.Kind.SLACK: SlackForm, Channel.Kind.WEBHOOK: WebhookForm,
    Channel.Kind.PAGERDUTY: PagerDutyForm,
}  # fmt: skip
