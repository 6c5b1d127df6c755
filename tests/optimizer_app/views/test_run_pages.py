"""Launching, watching and looking into runs, as the browser does it."""

import html
import re

import pytest
from django.test import Client

from optimizer_app.models import Batch, FollowUp, Metric, Run, Worker
from optimizer_app.services.follow_ups import follow_up_execute
from optimizer_app.services.run_execution import run_execute
from tests.conftest import SignIn
from tests.factories.workers import finished_run, frozen, queued_run, routing_worker, two_step_program

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def operator_client(signed_in: SignIn) -> Client:
    return signed_in("operator")


def text(client: Client, url: str, **query: str | int) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, url
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_program_of_two_steps_is_made_in_the_browser(operator_client: Client) -> None:
    source = routing_worker()
    first, second = two_step_program()["steps"]
    form: dict[str, object] = {
        "name": "Two steps", "language_model": source.language_model_id, "metric": source.metric_id,
        "inputs-TOTAL_FORMS": 1, "inputs-INITIAL_FORMS": 0, "inputs-0-name": "message", "inputs-0-type": "str",
        "steps-TOTAL": 2,
    }  # fmt: skip
    for number, step in enumerate((first, second)):
        start = f"steps-{number}"
        form |= {
            f"{start}-name": step["name"], f"{start}-module": step["module"],
            f"{start}-instructions": step["instructions"], f"{start}-reads": step["inputs"][0]["name"],
            f"{start}-outputs-TOTAL_FORMS": 1, f"{start}-outputs-INITIAL_FORMS": 0,
            f"{start}-outputs-0-name": step["outputs"][0]["name"],
            f"{start}-outputs-0-type": step["outputs"][0].get("type", "str"),
            f"{start}-outputs-0-options": "\n".join(step["outputs"][0].get("options", [])),
        }  # fmt: skip

    wrong = operator_client.post("/workers/new/", form | {"steps-1-reads": "nothing"})
    assert "Step route reads “nothing”" in wrong.content.decode()
    assert 'value="condense"' in wrong.content.decode(), "what was typed is kept"

    operator_client.post("/workers/new/", form)
    worker = Worker.objects.get(name="Two steps")
    assert [step.name for step in worker.spec().steps] == ["condense", "route"]
    assert "2. route" in text(operator_client, f"/workers/{worker.pk}/")
    copied = operator_client.get("/workers/new/", {"copy": worker.pk}).content.decode()
    assert 'name="steps-1-reads" value="gist"' in copied


def test_the_launch_page_advises_and_quotes(operator_client: Client) -> None:
    worker = routing_worker()
    version = frozen(worker)

    page = text(operator_client, f"/workers/{worker.pk}/optimize/")
    assert "training examples: enough to try demos" in page
    assert "What this run will take" in page
    assert "measured on 4 training examples" in page
    assert "suits best" in page

    query: dict[str, str | int] = {"dataset_version": version.pk, "optimizer": "GEPA", "seed": 0}
    part = text(operator_client, f"/workers/{worker.pk}/optimize/parameters/", **query)
    assert "Examples per reflection" in part
    assert "LM calls, teacher" in part
    bound = text(operator_client, f"/workers/{worker.pk}/optimize/quote/", **query, max_calls=150)
    assert "LM calls, task" in bound
    response = operator_client.post(f"/workers/{worker.pk}/optimize/pilot/", query)
    assert "measured on 4 training examples" in response.content.decode()


def test_every_optimizer_is_launched_from_its_form_as_it_stands(operator_client: Client) -> None:
    """The form at its defaults must be accepted for every optimizer."""
    from optimizer_app.engine.optimizers import optimizers

    worker = routing_worker()
    version = frozen(worker)
    for name in optimizers():
        part = operator_client.get(f"/workers/{worker.pk}/optimize/parameters/", {"optimizer": name})
        shown = html.unescape(part.content.decode())
        fields: dict[str, object] = dict(re.findall(r'<input[^>]* name="(parameter-\w+)" value="([^"]*)"', shown))
        fields |= re.findall(r'<select name="(parameter-\w+)".*?<option value="([^"]*)" selected', shown, re.DOTALL)
        fields |= dict.fromkeys(re.findall(r'name="(parameter-\w+)"[^>]*checked', shown), "on")
        chosen = {"dataset_version": version.pk, "optimizer": name, "language_model": worker.language_model_id}
        response = operator_client.post(f"/workers/{worker.pk}/optimize/", chosen | {"seed": 1} | fields)
        assert response.status_code == 302, (name, re.findall(r"up-error[^>]*>([^<]+)", response.content.decode()))
    assert Run.objects.count() == len(optimizers())


def test_pause_resume_and_stop_from_the_page(operator_client: Client) -> None:
    run = queued_run(routing_worker())

    operator_client.post(f"/runs/{run.pk}/pause/")
    assert "Resume" in text(operator_client, f"/runs/{run.pk}/")
    operator_client.post(f"/runs/{run.pk}/resume/")
    operator_client.post(f"/runs/{run.pk}/stop/")

    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED


def test_the_live_part_is_rendered_once_for_all_who_watch(
    operator_client: Client, signed_in: SignIn, django_assert_num_queries: object
) -> None:
    run = queued_run(routing_worker())
    url = f"/runs/{run.pk}/live/"
    first = operator_client.get(url, {"seen": -1}).content
    other = signed_in("viewer")
    other.get(url, {"seen": -1})  # signs the session in

    assert other.get(url, {"seen": -1}).content == first
    assert other.get(url, {"seen": run.revision}).status_code == 204


def test_candidates_ablation_and_quote_on_the_page_of_a_run(operator_client: Client) -> None:
    run = finished_run(routing_worker(), optimizer="GEPA", parameters={"reflection_minibatch_size": 4})
    page = text(operator_client, f"/runs/{run.pk}/")
    assert "Quote against actual" in page
    assert "Take the winner apart" in page

    chart = text(operator_client, f"/runs/{run.pk}/chart/")
    assert "Leads on" in chart
    seen = re.search(r"seen=([\w.-]+)", operator_client.get(f"/runs/{run.pk}/chart/").content.decode())
    assert seen is not None
    again = operator_client.get(f"/runs/{run.pk}/chart/", {"effort": "calls", "seen": seen[1]})
    assert again.status_code == 204

    operator_client.post(f"/runs/{run.pk}/ablation/")
    assert run.winner is not None
    known = (run.winner.fingerprint, run.baseline.fingerprint)
    other = run.candidates.exclude(fingerprint__in=known)[0]
    address = f"/runs/{run.pk}/candidates/{other.number}/"
    assert "was looked at on the test split so far" in text(operator_client, address)
    operator_client.post(f"{address}test/")
    for work in FollowUp.objects.all():
        follow_up_execute(work.pk)

    assert "(Bonferroni, 2 looks)" in text(operator_client, address)
    assert "Each change taken back alone" in text(operator_client, f"/runs/{run.pk}/")


def test_a_matrix_and_a_batch_from_the_browser(operator_client: Client) -> None:
    worker = routing_worker()
    version = frozen(worker)
    form = {
        "name": "Compare", "dataset_version": version.pk, "models": [worker.language_model_id],
        "optimizers": ["LabeledFewShot", "BootstrapFewShot"], "seed": 0, "at_once": 2,
    }  # fmt: skip
    operator_client.post(f"/workers/{worker.pk}/matrix/", form)
    matrix = Batch.objects.get()
    assert "0 of 2" in text(operator_client, f"/batches/{matrix.pk}/")
    for run in matrix.runs.all():
        run_execute(run.pk)
    page = text(operator_client, f"/batches/{matrix.pk}/")
    assert "✓ winner" in page
    assert "2 of 2" in page

    lonely = Worker.objects.create(
        name="Lonely", program=two_step_program(), language_model=worker.language_model, metric=worker.metric
    )
    order = {"name": "All", "workers": [worker.pk, lonely.pk], "optimizer": "LabeledFewShot", "seed": 0, "at_once": 1}
    refused = operator_client.post("/batches/new/", order)
    assert "No frozen dataset version fits Lonely" in refused.content.decode()
    operator_client.post("/batches/new/", order | {"workers": [worker.pk]})
    batch = Batch.objects.get(name="All")
    operator_client.post(f"/batches/{batch.pk}/stop/")
    assert all(run.ended for run in batch.runs.all())


def test_a_judge_is_made_tried_and_compared_with_people(operator_client: Client) -> None:
    worker = routing_worker()
    finished_run(worker)
    part = text(operator_client, "/metrics/parameters/", kind="judge")
    assert "Rubric" in part
    form = {
        "name": "J",
        "kind": "judge",
        "field": "team",
        "judge": worker.language_model_id,
        "parameter-rubric": "Same.",
    }
    made = operator_client.post("/metrics/new/", form)
    assert made.status_code == 302, re.findall(r"up-error[^>]*>([^<]+)", made.content.decode())
    judge = Metric.objects.get(name="J")

    address = f"/metrics/{judge.pk}/"
    exact = Metric.objects.get(name="Exact match")
    page = operator_client.get(address, {"worker": worker.pk, "other": exact.pk}).content.decode()
    assert "Agreement with the other metric" in page
    verdict = re.search(r'action="(/metrics/answers/\d+/verdict/)"', page)
    assert verdict is not None
    response = operator_client.post(verdict[1], {"right": "yes", "next": f"{address}?worker={worker.pk}"})
    assert response["Location"] == f"{address}?worker={worker.pk}"
    elsewhere = operator_client.post(verdict[1], {"right": "no", "next": "https://evil.example/"})
    assert elsewhere["Location"] == "/metrics/"
    assert "Agreement with people" in text(operator_client, address, worker=worker.pk)


def test_a_composite_is_made_from_rows(operator_client: Client) -> None:
    first, second = Metric.objects.order_by("id")[:2]
    form = {
        "name": "C", "kind": "composite", "parts-TOTAL_FORMS": 4, "parts-INITIAL_FORMS": 0,
        "parts-0-metric": first.pk, "parts-0-weight": 2, "parts-0-required": "on", "parts-1-metric": second.pk,
        "parts-1-weight": 1,
    }  # fmt: skip
    operator_client.post("/metrics/new/", form)

    metric = Metric.objects.get(name="C")
    assert [part["weight"] for part in metric.parts] == [2, 1]
    assert "weight 2, required" in text(operator_client, f"/metrics/{metric.pk}/")
