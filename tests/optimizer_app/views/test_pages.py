"""What pages say, beyond opening: empty states, errors, live parts, hostile text."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Comparison, LanguageModel, Run, Worker
from optimizer_app.services.datasets import examples_add
from optimizer_app.services.language_models import language_model_save
from tests.conftest import SignIn
from tests.factories.workers import finished_run, queued_run, routing_dataset, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
PROBE = "<script>alert('x')</script>\"'{{ 7*7 }}"


def text(response: Any) -> str:
    return str(response.content.decode())


def test_empty_overview_says_how_to_begin(signed_in: SignIn) -> None:
    page = text(signed_in("operator").get("/"))

    assert "Start with a worker" in page
    assert "/workers/new/" in page


def test_viewers_are_not_offered_what_they_may_not_do(signed_in: SignIn) -> None:
    worker = routing_worker()

    page = text(signed_in("viewer").get(f"/workers/{worker.pk}/"))

    assert "/optimize/" not in page
    assert "Roll back" not in page


def test_odd_addresses_are_no_errors(signed_in: SignIn) -> None:
    client, worker = signed_in("admin"), routing_worker()
    paths = (
        "/workers/new/?copy=x", "/workers/new/?copy=²", f"/workers/{worker.pk}/playground/?version=x",
        "/metrics/1/?dataset=x", f"/workers/{worker.pk}/optimize/quote/?dataset_version=²&optimizer=MIPROv2",
        f"/workers/{worker.pk}/optimize/parameters/?optimizer=x",
        "/models/price/?model=%00", "/runs/?page=x", "/audit/?q=%00",
        f"/workers/{worker.pk}/optimize/?dataset_version=x",
    )  # fmt: skip

    broken = [path for path in paths if client.get(path).status_code >= 500]
    assert not broken


@pytest.mark.parametrize("path", ["/nothing/", "/workers/999/", "/runs/999/result/", "/workers/99999999999999999999/"])
def test_missing_things_get_a_page_that_helps(signed_in: SignIn, path: str) -> None:
    response = signed_in("viewer").get(path)

    assert response.status_code == 404
    assert "To the overview" in text(response)


def test_refusals_get_a_page_that_says_why(signed_in: SignIn) -> None:
    worker = routing_worker()

    response = signed_in("approver").post(f"/workers/{worker.pk}/rollback/", {"reason": ""})

    assert response.status_code == 409
    assert "no earlier version" in text(response)


def test_live_part_is_silent_until_something_changed(signed_in: SignIn) -> None:
    client, run = signed_in("viewer"), queued_run(routing_worker())

    unchanged = client.get(f"/runs/{run.pk}/live/?seen={run.revision}")
    Run.objects.filter(pk=run.pk).update(revision=run.revision + 1)
    changed = client.get(f"/runs/{run.pk}/live/?seen={run.revision}")

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.status_code == 200
    assert f"seen={run.revision + 1}" in text(changed)
    assert "HX-Refresh" not in changed


def test_an_ended_run_makes_its_page_reload(signed_in: SignIn) -> None:
    run = finished_run(routing_worker())

    response = signed_in("viewer").get(f"/runs/{run.pk}/live/?seen=0")

    assert response["HX-Refresh"] == "true"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("improved", "The winner is better"),
        ("worse", "The winner is worse"),
        ("equivalent", "as good as each other"),
        ("undecided", "includes zero"),
    ],
)
def test_each_verdict_is_one_plain_sentence(signed_in: SignIn, verdict: str, said: str) -> None:
    run = finished_run(routing_worker())
    numbers = run.comparison.numbers | {"verdict": verdict}
    Comparison.objects.filter(run=run).update(numbers=numbers)

    assert said in text(signed_in("viewer").get(f"/runs/{run.pk}/result/"))


def test_outcome_pages_hold_as_many_examples_as_the_counts_say(signed_in: SignIn) -> None:
    run = finished_run(routing_worker())
    client = signed_in("viewer")

    for outcome in ("fixed", "broken", "unchanged"):
        response = client.get(f"/runs/{run.pk}/result/examples/?outcome={outcome}")
        assert response.context["found"].paginator.count == run.comparison.numbers[outcome]


def test_unpriced_models_say_so(signed_in: SignIn) -> None:
    model = language_model_save(LanguageModel(name="No price", model="openai/x"), by=SYSTEM, api_key="")
    run = queued_run(routing_worker(language_model=model))
    Run.objects.filter(pk=run.pk).update(progress={"usage": {"calls": 3, "cost_usd": None}, "done": 1})

    page = text(signed_in("viewer").get(f"/runs/{run.pk}/"))

    assert "unpriced" in page
    assert "$0.00" not in page


def test_an_upload_with_an_error_says_so_on_the_same_page(signed_in: SignIn) -> None:
    dataset = routing_dataset(routing_worker())

    response = signed_in("operator").post(
        f"/datasets/{dataset.pk}/upload/", {"file": SimpleUploadedFile("a.csv", b"a,a\n1,2\n")}
    )

    assert "named twice" in text(response)
    assert not dataset.imports.exists()


def test_user_text_is_never_markup(signed_in: SignIn) -> None:
    worker = routing_worker(name=PROBE, description=PROBE)
    dataset = routing_dataset(worker)
    examples_add(dataset, [(1, {"message": PROBE, "team": "K1"})], by=SYSTEM, source=PROBE)
    client = signed_in("admin")

    for path in (
        "/",
        "/workers/",
        f"/workers/{worker.pk}/",
        f"/datasets/{dataset.pk}/?page=5",
        "/audit/",
        "/datasets/",
    ):
        page = text(client.get(path))
        assert "alert('x')</script>" not in page, path
        assert "{{ 49 }}" not in page


def test_no_page_has_inline_script_or_foreign_origin(signed_in: SignIn) -> None:
    run = finished_run(routing_worker())
    client = signed_in("admin")

    for path in ("/", "/workers/", f"/runs/{run.pk}/", f"/runs/{run.pk}/result/", "/workers/new/", "/api/v1/docs"):
        response = client.get(path)
        page = text(response)
        assert not re.search(r"<script(?![^>]*(src=|application/json))[^>]*>", page), path
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"(https?:)?//", page), path
        assert "'unsafe-inline'" not in response["Content-Security-Policy"].split("style-src")[0]


def test_health_is_open_and_tells_nothing_else() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_names_of_a_hundred_letters_fit(signed_in: SignIn) -> None:
    routing_worker(name="W" * 100)

    assert "W" * 100 in text(signed_in("viewer").get("/"))


def test_a_token_is_shown_once(signed_in: SignIn) -> None:
    client = signed_in("admin")

    page = text(client.post("/tokens/new/", {"name": "t", "scopes": ["read"]}))
    token = re.findall(r"upl_\w+_[\w-]+", page)[0]

    assert token not in text(client.get("/tokens/"))


def test_the_last_admin_stays(signed_in: SignIn) -> None:
    client = signed_in("admin")
    person = client.session["_auth_user_id"]

    page = text(client.post(f"/people/{person}/", {"role": "viewer", "active": "on"}))

    assert "last admin" in page


def test_copying_a_worker_fills_the_form(signed_in: SignIn) -> None:
    worker = routing_worker()

    page = text(signed_in("operator").get(f"/workers/new/?copy={worker.pk}"))

    assert "Choose the team for the message." in page
    assert "K1\nK2\nK3" in page
    assert Worker.objects.count() == 1
