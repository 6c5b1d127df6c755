"""One of everything, for what must hold of every page and operation."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from analytics.models import Incident
from analytics.services.channels import channel_save
from analytics.services.evaluations import evaluations_import
from analytics.services.notes import note_add
from analytics.services.reports import link_make, report_plan
from analytics.services.silences import silence_make
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import ApiToken, Batch, DatasetImport, LanguageModel, Metric, Run, Team, Worker
from optimizer_app.services.canaries import canary_start
from optimizer_app.services.imports import import_start
from optimizer_app.services.rules import rule_create
from optimizer_app.services.tokens import token_create
from tests.factories.executions import execution
from tests.factories.workers import finished_run, person, routing_worker


def build() -> dict[str, Any]:
    """One of everything, as the arguments that URLs and operations need."""
    run = finished_run(routing_worker())
    dataset = run.dataset_version.dataset
    token_create(by=SYSTEM, name="t", scopes=["read"])
    import_start(dataset, by=SYSTEM, file_name="a.csv", raw=b"message,team\nx,K1\n")
    rule = rule_create(run.worker, by=SYSTEM, name="r", dataset=dataset)
    stored = execution(run.worker)
    assert run.winner
    results = f'{{"example": "1", "variant": "{run.worker.name}", "score": 1}}'
    evaluations_import(run.worker, "results.jsonl", results.encode(), by=SYSTEM)
    link, secret = link_make(None, by=SYSTEM, days=1)
    plan = report_plan(None, by=SYSTEM, recipients=["a@b.example"], weekday=0, hour=8)
    return {
        "team_id": Team.objects.create(name="A team").pk,
        "incident_id": Incident.objects.create(
            worker=run.worker,
            signal="success",
            noticed_at=timezone.now(),
            began_at=timezone.now(),
            evidence={"baseline": 0.9, "level": 0.7, "count": 40, "delta": 0.05, "promise": 1000, "scale": {}},
        ).pk,
        "change": "note",
        "silence_id": silence_make(
            by=SYSTEM, worker=None, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1), reason="r"
        ).pk,
        "canary_id": canary_start(run.winner, by=SYSTEM, share=0.2).pk,
        "channel_id": channel_save(
            None, by=SYSTEM, name="c", kind="email", worker=None, config={"addresses": ["a@b.example"]}
        ).pk,
        "link_id": link.pk,
        "secret": secret,
        "plan_id": plan.pk,
        "note_id": note_add(None, by=SYSTEM, at=timezone.now(), text="A release").pk,
        "execution_id": stored.uid,
        "uid": stored.uid,
        "rule_id": rule.pk,
        "kind": "csv",
        "item_id": dataset.review_items.get().pk,
        "worker_id": Worker.objects.get().pk,
        "worker_name": run.worker.name,
        "run_id": Run.objects.get().pk,
        "version_id": run.winner_id,
        "dataset_id": dataset.pk,
        "import_id": DatasetImport.objects.get().pk,
        "metric_id": Metric.objects.all()[0].pk,
        "model_id": LanguageModel.objects.get().pk,
        "token_id": ApiToken.objects.get().pk,
        "person_id": person("viewer").pk,
        "dataset_version_id": run.dataset_version_id,
        "number": run.candidates.all()[0].number,
        "batch_id": Batch.objects.create(name="b", kind="batch", at_once=1, requested_by="x").pk,
        "score_id": run.comparison.after.scores.all()[0].pk,
        "example_id": run.comparison.after.scores.all()[0].example_id,
    }
