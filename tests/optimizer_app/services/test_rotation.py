"""Changing encryption keys while everything runs."""

import threading

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from optimizer_app.common import bodies
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.keyring import keyring, keyring_forget, new_data_key
from optimizer_app.common.keys import DecryptionError, first_key, key_of, new_key, seal_bytes, unseal_bytes
from optimizer_app.models import AuditEvent, DataKey, Example, Execution, ProgramVersion
from optimizer_app.services.datasets import examples_add
from optimizer_app.services.rotation import data_key_make, keys_rotate, master_rotate
from tests.factories.executions import execution, record, recorded
from tests.factories.workers import routing_dataset, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_a_master_key_goes_without_touching_what_is_stored(settings: Settings) -> None:
    dataset = routing_dataset(routing_worker())
    keys_rotate()
    sealed = column(Example, "inputs")
    before = [example.inputs for example in dataset.examples.all()]
    old, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, new_key()
    keyring_forget()
    with pytest.raises(DecryptionError):
        list(Example.objects.all())
    settings.ENCRYPTION_KEYS = f"{settings.ENCRYPTION_KEYS},{old}"

    assert master_rotate() == DataKey.objects.count() == 1

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.partition(",")[0]
    keyring_forget()
    assert [example.inputs for example in dataset.examples.all()] == before
    assert column(Example, "inputs") == sealed
    assert AuditEvent.objects.filter(verb="key.wrap").count() == 1


def test_everything_is_sealed_anew_and_the_old_data_key_can_go() -> None:
    worker = routing_worker()
    dataset = routing_dataset(worker)
    content = execution(worker).content
    before = [example.inputs for example in dataset.examples.all()]
    made = data_key_make()

    done = keys_rotate()

    assert done["optimizer_app_example.inputs"] == len(before)
    assert done["optimizer_app_execution.body"] == 1
    assert set(keys_rotate().values()) == {0}
    DataKey.objects.exclude(pk=made.pk).delete()
    keyring_forget()
    assert [example.inputs for example in dataset.examples.all()] == before
    assert Execution.objects.get().content == content
    assert ProgramVersion.objects.get(worker=worker).state["answer"]["demos"] == []


def test_what_was_sealed_before_there_were_data_keys_opens_and_is_sealed_anew() -> None:
    worker = routing_worker()
    kept = list(DataKey.objects.all())
    DataKey.objects.all().delete()
    keyring_forget()
    stored = bodies.pack(bodies.Body({"message": "x"}, {"team": "K1"}))
    DataKey.objects.bulk_create(kept)
    execution(worker)
    Execution.objects.update(body=stored)
    keyring_forget()

    assert Execution.objects.get().content.inputs == {"message": "x"}
    assert keys_rotate()["optimizer_app_execution.body"] == 1
    assert Execution.objects.get().content.inputs == {"message": "x"}


def test_a_key_that_another_process_made_is_found_when_it_is_met() -> None:
    worker = routing_worker()
    known = keyring()
    name, wrapped = new_data_key()
    DataKey.objects.create(name=name, wrapped=wrapped)
    assert keyring() == known

    stored = execution(worker)
    Execution.objects.filter(pk=stored.pk).update(body=sealed_with(name, bytes(stored.body)))

    assert Execution.objects.get().content == stored.content


def sealed_with(name: str, body: bytes) -> bytes:
    """The body as the other process would have sealed it."""
    plain = unseal_bytes(keyring(), body, bodies.CONTEXT)
    keyring_forget()
    theirs = seal_bytes(keyring(), plain, bodies.CONTEXT)
    assert key_of(theirs) == name
    hidden = DataKey.objects.get(name=name)
    DataKey.objects.filter(name=name).delete()
    keyring_forget()
    assert name not in keyring()
    DataKey.objects.bulk_create([hidden])
    return theirs


def test_writers_go_on_meanwhile() -> None:
    worker = routing_worker()
    dataset = routing_dataset(worker)
    recorded(worker, *[record(worker) for _ in range(300)])
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
        made = data_key_make()
        keys_rotate()
    finally:
        stop.set()
        writer.join()

    assert not problems
    assert set(keys_rotate().values()) == {0}
    assert {key_of(bytes(body)) for body in Execution.objects.values_list("body", flat=True)} == {made.name}
    assert first_key(keyring()) == made.name
    assert {example.content_hash for example in Example.objects.all() if example.inputs}


def column(model: type[Example], name: str) -> list[str]:
    """As it is stored."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {model._meta.db_table} ORDER BY id")
        return [text for (text,) in cursor.fetchall()]
