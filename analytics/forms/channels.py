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
    worker = forms.ModelChoiceField(
        Worker.objects.all(), required=False, empty_label="all workers", label="Told of incidents of"
    )

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
