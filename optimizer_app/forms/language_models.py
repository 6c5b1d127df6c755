"""The form of a language model."""

from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import LanguageModel

KEPT = "kept as it is"


class LanguageModelForm(forms.ModelForm, ServiceForm):  # type: ignore[type-arg]
    """Connection, sampling and prices. The key goes in and never comes out."""

    key = forms.CharField(
        required=False,
        label="API key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown again.",
    )

    class Meta:
        model = LanguageModel
        fields = (
            "name", "model", "api_base", "key", "temperature", "max_tokens", "timeout_s", "retries", "price_in",
            "price_out",
        )  # fmt: skip
        labels = {
            "model": "Model string",
            "api_base": "Address",
            "max_tokens": "Most output tokens",
            "timeout_s": "Timeout in seconds",
            "price_in": "Price of input",
            "price_out": "Price of output",
        }
        help_texts = {
            "api_base": "Empty: the provider's own. For a local server, its /v1 address.",
            "temperature": "Empty: the provider's default.",
            "max_tokens": "Empty: the provider's default.",
            "timeout_s": "A call without an answer by then counts as failed.",
            "retries": "Of a failed call, with growing pauses.",
            "price_in": "USD per million tokens. Empty: unpriced, and shown so.",
            "price_out": "USD per million tokens.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("price_in", "price_out"):
            price = self.initial.get(name)
            if price is not None:  # 0.15, not 0.150000
                self.initial[name] = f"{price:f}".rstrip("0").rstrip(".") or "0"
        if self.instance.pk and self.instance.api_key:
            self.fields["key"].widget.attrs["placeholder"] = KEPT

    def api_key(self) -> str | None:
        """The new key; None keeps the stored one."""
        typed: str = self.cleaned_data["key"]
        return typed if typed or not self.instance.pk else None
