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
    """A person's authenticator (TOTP, RFC 6238), asked for once it is confirmed. `last_step` keeps a code from working
    twice, `recovery` holds hashes of codes that work once each, `failures` count since the last code that was right."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedJSONField()
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.PositiveBigIntegerField(default=0)
    recovery = models.JSONField(default=list)
    failures = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Second factor of {self.person}"


class Identity(Timestamped):
    """Who a person is to an identity provider. `subject` is the provider's own id: names and addresses may be given to
    somebody else, it may not."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "identities"
        constraints = (models.UniqueConstraint(fields=("issuer", "subject"), name="identity_once"),)

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
