"""Data keys: what values are sealed with, themselves sealed with a master key."""

from django.db import models


class DataKey(models.Model):
    """A key of the envelope. `wrapped` opens with a master key of UPLIFT_ENCRYPTION_KEYS only. Values are sealed with
    the newest; older ones open what they sealed until `rotate_keys` has sealed it anew."""

    name = models.CharField(max_length=16, unique=True)
    wrapped = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Data key {self.name}"
