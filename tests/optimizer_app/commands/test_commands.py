"""Management commands as an operator types them."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from optimizer_app.models import Run, Worker
from optimizer_app.services.demo import STORIES, demo_load
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.tokens import token_actor

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_create_token_prints_it_once() -> None:
    out = StringIO()
    call_command("create_token", "--name", "script", "--scope", "read", "predict", stdout=out)

    actor = token_actor(out.getvalue().strip(), "")
    assert actor is not None
    assert {str(c) for c in actor.capabilities} == {"read", "predict"}
    with pytest.raises(CommandError, match="already a token"):
        call_command("create_token", "--name", "script", "--scope", "read")
    with pytest.raises(CommandError):
        call_command("create_token", "--name", "x", "--scope", "everything")


def test_the_demo_shows_gains_and_one_honest_failure() -> None:
    runs = demo_load()
    for run in runs:
        run_execute(run.pk)

    finishes = {run.worker.name: run.finish_reason for run in Run.objects.all()}
    assert finishes == {
        "Demo: ticket routing": "improved",
        "Demo: invoice fields": "improved",
        "Demo: renewal guess": "no_improvement",
    }
    assert all(sum(run.dataset_version.counts.values()) >= 150 for run in Run.objects.all())
    assert demo_load() == []
    assert Worker.objects.count() == len(STORIES)
