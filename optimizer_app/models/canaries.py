"""Two versions that answer side by side."""

from django.db import models
from django.db.models import Q

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker
from optimizer_app.models.versions import ProgramVersion


class Canary(Timestamped):
    """A version on trial in production: it answers `share` of the calls, `against` the others. Who gets which follows
    from this row's id and the caller (sdk/arms.py), so that a caller stays with one of them.

    `smallest` is the smallest difference that matters; without a decision it ends after `most_calls` of both.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        PROMOTED = "promoted", "Better: promoted"
        CHEAPER = "cheaper", "No difference that matters: promoted, being cheaper"
        ROLLED_BACK = "rolled_back", "Worse: taken back"
        EQUIVALENT = "equivalent", "No difference that matters: taken back"
        UNDECIDED = "undecided", "Undecided: taken back"
        STOPPED = "stopped", "Ended by a person"

    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="canaries")
    version = models.ForeignKey(ProgramVersion, on_delete=models.PROTECT, related_name="canaries")
    against = models.ForeignKey(ProgramVersion, on_delete=models.PROTECT, related_name="+")
    share = models.FloatField()
    smallest = models.FloatField(default=0.05)
    most_calls = models.PositiveIntegerField(default=20_000)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RUNNING)
    why = models.TextField(blank=True)
    started_by = models.CharField(max_length=150)
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = OfWorker()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("worker",), condition=Q(status="running"), name="canary_one_a_worker"),
        )

    def __str__(self) -> str:
        return f"{self.version} as a canary"
