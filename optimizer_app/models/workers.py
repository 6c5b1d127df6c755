"""Workers: named DSPy programs under care."""

from django.db import models

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfTeam
from optimizer_app.engine.spec import Program, program_from_data


class Worker(Timestamped):
    """A program with its language model and metric. What answers calls is `active_version`.

    The program's fields never change: datasets and versions are built on them.
    """

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    program = models.JSONField()
    language_model = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, related_name="workers")
    metric = models.ForeignKey("Metric", on_delete=models.PROTECT, related_name="workers")
    # how soon an answer must be there, for callers who cannot wait for a language model
    latency_need_ms = models.PositiveIntegerField(null=True, blank=True)
    # what is done with personal data in its executions: privacy/policy.py
    privacy = models.JSONField(default=dict)
    # executions older than this, or beyond this many, are deleted; empty: kept
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    retention_count = models.PositiveIntegerField(null=True, blank=True)
    # what its code asks for: {"optimizer", "parameters", "trigger"}
    optimization = models.JSONField(default=dict)
    # whoever started a run may not promote what came of it
    two_people = models.BooleanField(default=False)
    # who owns it; nobody: everybody sees it
    team = models.ForeignKey("Team", on_delete=models.PROTECT, null=True, blank=True, related_name="workers")
    active_version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="+")

    objects = OfTeam()
    everywhere = models.Manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def spec(self) -> Program:
        """The program, checked."""
        return program_from_data(self.program)
