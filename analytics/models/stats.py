"""Aggregates of executions: what dashboards read instead of rows."""

from django.db import models

from analytics.compute.sketches import Sketch
from analytics.compute.totals import Totals
from optimizer_app.common.ownership import OfWorker

SUMS = (
    "calls", "successes", "scored", "score_sum", "score_squares", "priced", "cost_usd", "cost_squares", "counted",
    "tokens_in", "tokens_out",
)  # fmt: skip


class Stat(models.Model):
    """Executions of one worker and version that began in one bucket of time. `version` is the version's id, 0 where
    the caller named none. `start` is the bucket's first moment, in UTC: days are UTC days."""

    class Size(models.TextChoices):
        MINUTE = "m", "Minute"
        HOUR = "h", "Hour"
        DAY = "d", "Day"

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, related_name="stats", db_index=False)
    version = models.PositiveBigIntegerField(default=0)
    size = models.CharField(max_length=1, choices=Size.choices)
    start = models.DateTimeField()

    calls = models.BigIntegerField()
    successes = models.BigIntegerField()
    scored = models.BigIntegerField()
    score_sum = models.FloatField()
    score_squares = models.FloatField()
    priced = models.BigIntegerField()
    cost_usd = models.FloatField()
    cost_squares = models.FloatField()
    counted = models.BigIntegerField()
    tokens_in = models.BigIntegerField()
    tokens_out = models.BigIntegerField()
    latency = models.BinaryField()
    cost = models.BinaryField()
    errors = models.JSONField(default=dict)
    paths = models.JSONField(default=dict)

    objects = OfWorker()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("size", "worker", "start", "version"), name="stat_bucket"),)
        indexes = (
            models.Index(fields=("size", "start"), name="stat_time"),
            # calls of a version ever since, read from the index alone
            models.Index(fields=("size", "worker", "version", "calls"), name="stat_calls"),
        )

    def __str__(self) -> str:
        return f"{self.get_size_display()} {self.start:%Y-%m-%d %H:%M} of worker {self.worker_id}"

    @property
    def totals(self) -> Totals:
        """The counts, sums and sketches."""
        made = Totals()
        for name in SUMS:
            setattr(made, name, getattr(self, name))
        made.latency, made.cost = Sketch.decode(bytes(self.latency)), Sketch.decode(bytes(self.cost))
        made.errors.update(self.errors)
        made.paths.update(self.paths)
        return made

    @totals.setter
    def totals(self, totals: Totals) -> None:
        for name in SUMS:
            setattr(self, name, getattr(totals, name))
        self.latency, self.cost = totals.latency.encode(), totals.cost.encode()
        self.errors = {kind: n for kind, n in totals.errors.items() if n}
        self.paths = {path: n for path, n in totals.paths.items() if n}


class StatState(models.Model):
    """The register of kinds of aggregates: one row a kind. Whoever changes aggregates of the kind locks its row.

    `form` is the version of their form in the code; a row with an older one is filled anew, worker by worker:
    `filled_worker` until `filled_until`, and all workers before it.
    """

    class Status(models.TextChoices):
        FILLING = "filling", "Being filled from executions"
        READY = "ready", "Ready"

    name = models.CharField(max_length=50, unique=True)
    form = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    absorbed = models.PositiveBigIntegerField(default=0)  # measures, ever
    absorbed_at = models.DateTimeField(null=True)
    filled_worker = models.PositiveBigIntegerField(default=0)
    filled_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.get_status_display()}"
