"""Who did what: an append-only, hash-chained record."""

from django.db import models

from optimizer_app.common.models import Frozen


class AuditEvent(Frozen):
    """One change. `hash` is an HMAC over the event and the hash before it, so a gap or an edit shows. The database
    itself refuses changes and deletions (migration 0008)."""

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.CharField(max_length=32)  # ISO 8601 in UTC, exactly as hashed
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=10)
    address = models.CharField(max_length=45, blank=True)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    object_name = models.CharField(max_length=200)
    data = models.JSONField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        indexes = (models.Index(fields=("object_type", "object_id", "number"), name="audit_object"),)

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_name}"


class AuditHead(models.Model):
    """Where the chain ends: one row, sealed by an HMAC of its own, so that events cannot be cut off its end."""

    number = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"
