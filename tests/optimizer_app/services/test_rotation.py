"""Changing encryption keys while everything runs."""

import threading

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from optimizer_app.common.access import SYSTEM
from optimizer_app.common.keys import DecryptionError, first_key, key_of, new_key
from optimizer_app.models import Example, Execution, ProgramVersion
from optimizer_app.services.datasets import examples_add
from optimizer_app.services.rotation import keys_rotate
from tests.factories.executions import execution, record, recorded
from tests.factories.workers import routing_dataset, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_everything_is_sealed_anew_and_the_old_key_can_go(settings: Settings) -> None:
    worker = routing_worker()
    dataset = routing_dataset(worker)
    content = execution(worker).content
    before = [example.inputs for example in dataset.examples.all()]
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = new_key()
    with pytest.raises(DecryptionError):
        list(Example.objects.all())
    settings.ENCRYPTION_KEYS = f"{new_key()},{old}"

    done = keys_rotate()

    assert done["optimizer_app_example.inputs"] == len(before)
    assert done["optimizer_app_execution.body"] == 1
    assert set(keys_rotate().values()) == {0}
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.partition(",")[0]
    assert [example.inputs for example in dataset.examples.all()] == before
    assert Execution.objects.get().content == content
    assert ProgramVersion.objects.get(worker=worker).state["answer"]["demos"] == []


def test_writers_go_on_meanwhile(settings: Settings) -> None:
    worker = routing_worker()
    dataset = routing_dataset(worker)
    recorded(worker, *[record(worker) for _ in range(300)])
    settings.ENCRYPTION_KEYS = f"{new_key()},{settings.ENCRYPTION_KEYS}"
    stop, problems = threading.Event(), []

    def write() -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                recorded(worker, record(worker))
                row: dict[str, object] = {"message": f"later {number}", "team": "K1"}
                examples_add(dataset, [(1, row)], by=SYSTEM, source="later")
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        keys_rotate()
    finally:
        stop.set()
        writer.join()

    assert not problems
    assert set(keys_rotate().values()) == {0}
    keys = {key_of(bytes(body)) for body in Execution.objects.values_list("body", flat=True)}
    assert keys == {first_key(settings.ENCRYPTION_KEYS)}
    assert {example.content_hash for example in Example.objects.all() if example.inputs}
