"""Say what moved when an incident began. Afterwards and outside the transaction: it reads rows."""

from datetime import timedelta

import msgspec
from django.db.models import QuerySet

from analytics.compute.causes import Sample, causes
from analytics.compute.detection import Detector
from analytics.compute.drift import Words, word_changes, words_of
from analytics.compute.signals import Reading, Scale, Watch
from analytics.models import Incident
from optimizer_app.models import Execution, ProgramVersion, Split
from optimizer_app.selectors.datasets import split_examples

MOST_ROWS, MOST_READ = 2_000, 300
OF_LEVELS = {"level:success": "success", "level:error_rate": "success", "level:score": "score"}
HEALTHY = timedelta(days=7)  # looked at before it began


def incident_explain(incident_id: int) -> int:
    """Store what moved between the week before an incident and its beginning until now; how many causes. Missing calls
    have none, nor have crossed levels of latency and cost, which have no scale."""
    incident = Incident.objects.get(pk=incident_id)
    signal = OF_LEVELS.get(incident.signal, incident.signal)
    if signal == incident.signal and "scale" not in incident.evidence:
        return 0
    stored = Execution.objects.filter(worker=incident.worker_id).defer("body", "metadata")
    if incident.version:
        stored = stored.filter(version=incident.version)
    newer = stored.filter(started_at__gt=incident.began_at).order_by("started_at")
    since = _samples(newer)
    earlier = stored.filter(started_at__lte=incident.began_at, started_at__gt=incident.began_at - HEALTHY)
    before = earlier.order_by("-started_at")
    healthy = _samples(before)
    scale = msgspec.convert(incident.evidence.get("scale", {}), Scale)
    watch = Watch(signal, scale, Detector(gamma=1, delta=1))  # type: ignore[arg-type]
    words = word_changes(_words(before), _words(newer), _known(incident))
    found = causes(healthy, since, watch.value, words) if healthy and since else []
    Incident.objects.filter(pk=incident_id).update(causes=[msgspec.to_builtins(cause) for cause in found])
    return len(found)


def _samples(rows: QuerySet[Execution]) -> list[Sample]:
    return [
        Sample(
            Reading(row.started_at.timestamp(), row.success, row.score, row.latency_ms, row.cost_usd), row.label,
            row.error_kind, row.model, row.version_id or 0,
        )
        for row in rows[:MOST_ROWS]
    ]  # fmt: skip


def _words(rows: QuerySet[Execution]) -> list[Words]:
    """Of the inputs of some calls; bodies are opened one by one."""
    return [words_of(map(str, row.content.inputs.values())) for row in rows.defer(None)[:MOST_READ]]


def _known(incident: Incident) -> Words:
    """The words of the examples that the version learned from; none for the baseline, which learned from none."""
    version = ProgramVersion.objects.filter(pk=incident.version).select_related("run__dataset_version").first()
    if version is None or version.run is None:
        return frozenset()
    examples = split_examples(version.run.dataset_version, Split.TRAIN)[:MOST_ROWS]
    return words_of(str(value) for example in examples for value in example.inputs.values())
