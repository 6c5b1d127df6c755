"""What Uplift keeps of people beside Django's accounts."""

from django.conf import settings
from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped


class Team(Timestamped):
    """People who own workers and datasets. Where UPLIFT_TEAMS is on, they see theirs and what nobody owns."""

    name = models.CharField(max_length=100, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SecondFactor(Timestamped):
    """A person's authenticator (TOTP, RFC 6238). `last_step` keeps a code from working twice; `recovery` holds hashes
    of codes that work once each. Not asked for before it is confirmed."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedJSONField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.PositiveBigIntegerField(default=0)
    recovery = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"Second factor of {self.person}"
