"""Program versions and the record of which one was active when."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Frozen
from optimizer_app.common.ownership import OfWorker


class Artifact(Frozen):
    """A fine-tuned model: its folder as a tar archive, named by the hash of its content."""

    name = models.CharField(max_length=64, unique=True)
    body = models.BinaryField()
    size = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return self.name[:12]


class ProgramVersion(Frozen):
    """An immutable program state (JSON, never pickle). Number 0 is the unoptimized baseline."""

    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = EncryptedJSONField()  # holds demos, which are training data
    fingerprint = models.CharField(max_length=64)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, null=True, related_name="versions")
    run = models.ForeignKey("Run", on_delete=models.PROTECT, null=True, related_name="produced_versions")
    created_by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        verbose_name = "version"
        ordering = ("worker", "-number")
        constraints = (
            models.UniqueConstraint(fields=("worker", "number"), name="program_version_number"),
            models.UniqueConstraint(fields=("worker", "fingerprint"), name="program_version_fingerprint"),
        )

    def __str__(self) -> str:
        return f"{self.worker.name} v{self.number}"

    @property
    def is_baseline(self) -> bool:
        return self.number == 0


class Promotion(Frozen):
    """A version became active: which, instead of which, by whom, why. Append-only."""

    class Kind(models.TextChoices):
        INITIAL = "initial", "First version"
        PROMOTION = "promotion", "Promoted"
        ROLLBACK = "rollback", "Rolled back"

    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="promotions")
    version = models.ForeignKey(ProgramVersion, on_delete=models.PROTECT, related_name="promotions")
    previous = models.ForeignKey(ProgramVersion, on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    promoted_by = models.CharField(max_length=150)
    reason = models.TextField(blank=True)

    objects = OfWorker()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.version}"
