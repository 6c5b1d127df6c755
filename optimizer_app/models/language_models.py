"""Connections to language models."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped
from optimizer_app.engine.offline import is_built_in


class LanguageModel(Timestamped):
    """How to reach a model. Prices in USD per million tokens; empty means unpriced, never free."""

    name = models.CharField(max_length=100, unique=True)
    model = models.CharField(max_length=200, help_text="As LiteLLM and DSPy name it, e.g. openai/gpt-4.1-mini.")
    api_base = models.URLField(max_length=500, blank=True)
    api_key = EncryptedJSONField(default=str)
    temperature = models.FloatField(null=True, blank=True)
    max_tokens = models.PositiveIntegerField(null=True, blank=True)
    timeout_s = models.FloatField(default=60)
    retries = models.PositiveSmallIntegerField(default=2)
    price_in = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    price_out = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_built_in(self) -> bool:
        """Whether this is the lexical stand-in rather than a language model."""
        return is_built_in(self.model)
