"""API tokens: shown once, stored hashed."""

from datetime import datetime

from django.db import models


class ApiToken(models.Model):
    """A key to the API with scopes (capabilities). Only a prefix and a SHA-256 digest are kept."""

    name = models.CharField(max_length=100, unique=True)
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField()
    # what it sees where UPLIFT_TEAMS is on: this team's, or all
    team = models.ForeignKey("Team", on_delete=models.PROTECT, null=True, blank=True, related_name="tokens")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API token"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def valid_at(self, now: datetime) -> bool:
        """Whether the token opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
