"""Examples, imports and frozen versions."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from optimizer_app.common.access import SYSTEM, Actor
from optimizer_app.common.models import FrozenError
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Example, Split, Worker
from optimizer_app.selectors.datasets import label_counts, split_examples
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.imports import import_finish, import_start
from optimizer_app.services.tables import MAX_COLUMNS, decode, read_table
from tests.factories.workers import SHARES, frozen, routing_dataset, routing_rows

pytestmark = pytest.mark.django_db
CSV = "text,category\nwhere is my parcel,K3\n,K1\nmy invoice,K1\nmy invoice,K1\nmy invoice,K2\nhello,other\n"


def test_rows_are_added_and_each_problem_is_reported(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    rows: list[tuple[int, dict[str, object]]] = [
        (1, {"message": "a", "team": "K1"}),
        (2, {"message": "a", "team": "K1"}),
        (3, {"message": "a", "team": "K2"}),
        (4, {"message": "", "team": "K9"}),
        (5, {"team": "K1"}),
    ]

    report = examples_add(dataset, rows, by=operator, source="test")

    assert (report.added, report.duplicates, report.conflicts, report.error_count) == (2, 1, 1, 2)
    assert report.errors[0] == (4, "message is empty. team: “K9” is not one of the 3 allowed values.")
    assert dataset.examples.count() == 2
    again = examples_add(dataset, rows, by=operator, source="test")
    assert (again.added, again.duplicates) == (0, 3)


def test_bodies_are_encrypted_at_rest(worker: Worker) -> None:
    from django.db import connection

    dataset = routing_dataset(worker)
    with connection.cursor() as cursor:
        cursor.execute("SELECT inputs, outputs FROM optimizer_app_example WHERE dataset_id = %s", [dataset.pk])
        stored = cursor.fetchall()

    assert all(value.startswith("enc1:") for row in stored for value in row)
    assert not any("invoice" in value for row in stored for value in row)


def test_a_file_is_mapped_and_taken_in_once(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    started = import_start(dataset, by=operator, file_name="m.csv", raw=CSV.encode())
    mapping = {"message": "text", "team": "category"}

    report = import_finish(started, by=operator, mapping=mapping, skip_other_values=True)
    assert report is not None

    assert (report.added, report.duplicates, report.conflicts, report.left_out) == (3, 1, 1, 1)
    assert report.errors == [(3, "message is empty.")]
    started.refresh_from_db()
    assert started.body is None
    with pytest.raises(Conflict):
        import_finish(started, by=operator, mapping=mapping, skip_other_values=True)
    assert dataset.examples.count() == 3


def test_other_values_are_errors_when_they_are_not_skipped(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    started = import_start(dataset, by=operator, file_name="m.csv", raw=CSV.encode())

    report = import_finish(
        started, by=operator, mapping={"message": "text", "team": "category"}, skip_other_values=False
    )
    assert report is not None

    assert (report.left_out, report.error_count) == (0, 2)


def test_a_file_over_the_limit_is_refused(worker: Worker, operator: Actor, settings: Settings) -> None:
    settings.MAX_UPLOAD_MB = 0
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)

    with pytest.raises(Refused, match="larger than 0 MB"):
        import_start(dataset, by=operator, file_name="m.csv", raw=CSV.encode())


def test_an_incomplete_mapping_stores_nothing(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    started = import_start(dataset, by=operator, file_name="m.csv", raw=CSV.encode())

    with pytest.raises(Refused) as refused:
        import_finish(started, by=operator, mapping={"message": "text", "team": "nothing"}, skip_other_values=True)

    assert refused.value.fields.keys() == {"team"}
    assert not Example.objects.exists()


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.xlsx", b"x", "only .csv, .jsonl"),
        ("a.csv", b"", "name every column"),
        ("a.csv", b"a,b\n", "no rows"),
        ("a.csv", b"a,a\n1,2\n", "named twice"),
        ("a.csv", b"a,b\n1\n", "Line 2: 1 cells"),
        ("a.csv", b'a,b\n"1,2\n', "Line 2"),
        ("a.csv", b"a,b\n\xff,1\n", "line 2: the file is not UTF-8"),
        ("a.csv", b"a\x00b\n1\n", "zero bytes"),
        ("a.csv", (",".join(f"c{n}" for n in range(MAX_COLUMNS + 1)) + "\n1\n").encode(), "columns"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 is not valid JSON"),
        ("a.jsonl", b"[1]\n", "Line 1: a JSON object"),
        ("a.jsonl", b'{"a\\u0000": 1}\n', "zero bytes"),
        ("a.jsonl", b'{"a": 1, "a": 2}\n', "twice"),
        ("a.jsonl", b"[" * 100_000, "Line 1"),
    ],
)
def test_bad_files_end_in_a_sentence_that_says_where(name: str, raw: bytes, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_table(name, decode(name, raw))

    assert said in str(refused.value)


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.jsonl"]))
def test_any_bytes_are_a_table_or_refused(raw: bytes, name: str) -> None:
    try:
        table = read_table(name, decode(name, raw))
    except Refused:
        return
    assert table.rows


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.integers()}), min_size=1, max_size=20))
@hypothesis_settings(max_examples=30)
def test_jsonl_round_trip(rows: list[dict[str, object]]) -> None:
    body = "\n".join(json.dumps(row) for row in rows)

    assert [row for _, row in read_table("a.jsonl", body).rows] == rows


def test_a_version_is_stratified_and_content_hashed(worker: Worker) -> None:
    version = frozen(worker)

    assert version.counts == {"train": 48, "validation": 36, "test": 36}
    for split in Split:
        teams = Counter(example.outputs["team"] for example in split_examples(version, split))
        assert max(teams.values()) - min(teams.values()) <= 1
    again = dataset_freeze(version.dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=1)
    assert again == version


def test_test_examples_stay_sealed_when_data_grows(worker: Worker, operator: Actor) -> None:
    first = frozen(worker)
    sealed = set(split_examples(first, Split.TEST).values_list("id", flat=True))
    extra = [(n, {"message": f"{n * 7919:x} invoice {n * 1299709:x} {n * 104729:x}", "team": "K1"}) for n in range(60)]
    examples_add(first.dataset, extra, by=operator, source="more")  # type: ignore[arg-type]

    second = dataset_freeze(first.dataset, by=operator, shares=SHARES, stratify_by="team", seed=99)

    assert second.number == 2
    assert sealed < set(split_examples(second, Split.TEST).values_list("id", flat=True))
    assert sum(second.counts.values()) == 180


def test_a_version_of_a_sample_keeps_the_balance(worker: Worker, operator: Actor) -> None:
    dataset = routing_dataset(worker)

    version = dataset_freeze(dataset, by=operator, shares=SHARES, stratify_by="team", seed=1, at_most=60)

    assert sum(version.counts.values()) == 60


@pytest.mark.parametrize(
    ("shares", "stratify", "said"),
    [
        ({Split.TRAIN: 0.5, Split.VALIDATION: 0.2, Split.TEST: 0.2}, "team", "90%"),
        ({Split.TRAIN: 1.0, Split.VALIDATION: 0.0, Split.TEST: 0.0}, "team", "above 0 %"),
        (SHARES, "message", "no output called"),
        ({Split.TRAIN: 0.98, Split.VALIDATION: 0.01, Split.TEST: 0.01}, "", "Too few"),
    ],
)
def test_bad_splits_are_refused(
    worker: Worker, operator: Actor, shares: dict[Split, float], stratify: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        dataset_freeze(routing_dataset(worker), by=operator, shares=shares, stratify_by=stratify, seed=1)


def test_frozen_versions_never_change(worker: Worker) -> None:
    version = frozen(worker)

    with pytest.raises(FrozenError):
        version.save()
    with pytest.raises(FrozenError):
        version.delete()


def test_labels_are_counted(worker: Worker) -> None:
    counts = label_counts(routing_dataset(worker))

    assert dict(counts["team"]) == {"K1": 40, "K2": 40, "K3": 40}
    assert len(routing_rows()) == 120
