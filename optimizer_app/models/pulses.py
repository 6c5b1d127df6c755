"""Signs of life."""

from django.db import models


class Pulse(models.Model):
    """When something that should come again and again last came: `name` is its job."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
