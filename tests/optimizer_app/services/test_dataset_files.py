"""Datasets as files: what goes out comes back the same; hostile files end in a sentence and change nothing."""

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import DatabaseError, connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from optimizer_app.common.access import SYSTEM, Actor
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Dataset, DatasetImport, Split, Worker
from optimizer_app.selectors.datasets import split_examples
from optimizer_app.services import table_files
from optimizer_app.services.dataset_history import version_difference, version_fork, version_restore
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.formats import FORMATS, export
from optimizer_app.services.imports import AT_ONCE, import_finish, import_run, import_start, imports_reap
from optimizer_app.services.quality import findings_of, quality_make
from tests.factories.executions import record, recorded
from tests.factories.workers import SHARES, frozen, routing_dataset, routing_worker

pytestmark = pytest.mark.django_db
FIELDS = [
    {"name": "text"},
    {"name": "n", "type": "int"},
    {"name": "tags", "type": "list[str]"},
]
OUT = [
    {"name": "ok", "type": "bool"},
    {"name": "score", "type": "float"},
    {"name": "team", "type": "enum", "options": ["A", "B; C".replace(";", "")]},
]
ROWS: list[dict[str, Any]] = [
    {"text": "plain", "n": 1, "tags": ["a", "b"], "ok": True, "score": 0.1, "team": "A"},
    {"text": "=SUM(A1:A9)", "n": -5, "tags": [], "ok": False, "score": 1e-7, "team": "B C"},
    {"text": "'q', \"twice\"\nand a line", "n": 0, "tags": ["x;y", "[z]", "é"], "ok": True, "score": 3.0, "team": "A"},
    {"text": " umlaut ä \u2028 and 🎉 ", "n": 2**40, "tags": ["1"], "ok": False, "score": -2.5, "team": "A"},
    {"text": "-minus +plus @at\ttab", "n": 7, "tags": ["true"], "ok": True, "score": 12345.678, "team": "B C"},
]  # fmt: skip


@pytest.fixture
def typed() -> Worker:
    step = {"name": "answer", "module": "Predict", "instructions": "Answer.", "inputs": FIELDS, "outputs": OUT}
    return routing_worker(program={"steps": [step]})


def filled(worker: Worker, name: str, rows: list[dict[str, Any]]) -> Dataset:
    dataset = dataset_create(by=SYSTEM, name=name, description="", worker=worker)
    report = examples_add(dataset, list(enumerate(rows, start=1)), by=SYSTEM, source="test")
    assert report.error_count == 0, report.errors
    return dataset


def contents(dataset: Dataset) -> set[str]:
    return set(dataset.live().values_list("content_hash", flat=True))


def taken_in(worker: Worker, name: str, raw: bytes, title: str) -> Dataset:
    dataset = dataset_create(by=SYSTEM, name=title, description="", worker=worker)
    started = import_start(dataset, by=SYSTEM, file_name=name, raw=raw)
    mapping = {field.name: field.name for field in dataset.fields()}
    report = import_finish(started, by=SYSTEM, mapping=mapping, skip_other_values=False)
    assert report is not None
    assert report.error_count == 0, report.errors
    return dataset


@pytest.mark.parametrize("kind", FORMATS)
def test_what_goes_out_comes_back_the_same(typed: Worker, kind: str) -> None:
    dataset = filled(typed, "Out", ROWS)

    name, raw = export(dataset, kind)

    assert contents(taken_in(typed, name, raw, "Back")) == contents(dataset)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from(list(FORMATS)))
def test_any_text_survives_the_round_trip(typed: Worker, texts: list[str], kind: str) -> None:
    rows = [ROWS[0] | {"text": text, "n": number} for number, text in enumerate(texts)]
    Dataset.objects.all().delete()
    dataset = filled(typed, "Out", rows)

    name, raw = export(dataset, kind)

    assert contents(taken_in(typed, name, raw, "Back")) == contents(dataset)


def test_a_frozen_version_goes_out_with_its_splits(worker: Worker) -> None:
    version = frozen(worker)

    _, raw = export(version, "hf")

    with zipfile.ZipFile(io.BytesIO(raw)) as folder:
        assert sorted(folder.namelist()) == [
            "README.md",
            *(f"data/{s}.parquet" for s in ("test", "train", "validation")),
        ]
        test = pq.read_table(io.BytesIO(folder.read("data/test.parquet"))).to_pylist()
    sealed = [{**e.inputs, **e.outputs} for e in split_examples(version, Split.TEST)]
    assert sorted(map(str, test)) == sorted(map(str, sealed))
    with pytest.raises(Refused, match="no format"):
        export(version, "xlsx")


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, raw in files.items():
            folder.writestr(name.replace("__", "."), raw)
    return file.getvalue()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.csv", b'text\n=HYPERLINK("http://x")\n', "Line 2, column text: the cell holds a spreadsheet formula"),
        ("a.csv", b"text\n@SUM(1)\n", "formula"),
        ("a.csv", "text,b\nä,1\n".encode("latin-1"), "line 2: the file is not UTF-8"),
        ("a.csv", b"text\n" + b"x" * 200_000 + b"\n", "field larger than field limit"),
        ("a.csv", ",".join(f"c{n}" for n in range(100_000)).encode() + b"\n1\n", "columns; at most 200"),
        ("a.jsonl", b'{"a": NaN}\n', "NaN is no number"),
        ("a.json", b'[{"a": 1, "a": 2}]', "a key stands twice"),
        ("a.json", b'{"a": 1}', "a list of objects is expected"),
        ("a.json", b"[" * 50_000, "not valid JSON"),
        ("a.parquet", b"PAR1 nothing PAR1", "not a Parquet file"),
        ("a.parquet", parquet([{f"c{n}": 1 for n in range(300)}]), "300 columns"),
        ("a.parquet", parquet([{"a": float("nan")}]), "not finite"),
        ("a.zip", b"PK nothing", "not a zip file"),
        ("a.zip", zipped(readme__md=b"hello"), "holds no data"),
        ("a.zip", zipped(**{f"f{n}__csv": b"a\n1\n" for n in range(300)}), "more than 200 files"),
        ("a.zip", zipped(train__csv=b"a\n=1+1\n"), "formula"),
    ],
)
def test_hostile_files_end_in_a_sentence_and_change_nothing(worker: Worker, name: str, raw: bytes, said: str) -> None:
    dataset = dataset_create(by=SYSTEM, name="D", description="", worker=worker)

    with pytest.raises(Refused) as refused:
        import_start(dataset, by=SYSTEM, file_name=name, raw=raw)

    assert said in str(refused.value)
    assert not DatasetImport.objects.exists()


def test_a_zip_bomb_is_stopped_while_it_unpacks(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MOST_UNPACKED", 1_000_000)
    dataset = dataset_create(by=SYSTEM, name="D", description="", worker=worker)
    bomb = zipped(train__jsonl=b" " * 5_000_000)
    assert len(bomb) < 10_000

    with pytest.raises(Refused, match="unpacks to more than"):
        import_start(dataset, by=SYSTEM, file_name="a.zip", raw=bomb)


@hypothesis_settings(max_examples=120, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.json", "a.parquet", "a.zip"]), st.sampled_from(["", "wrap"]))
def test_any_bytes_are_rows_or_refused(raw: bytes, name: str, wrap: str) -> None:
    if wrap:
        raw = parquet([{"a": "b"}])[:-8] + raw if name == "a.parquet" else zipped(train__parquet=raw, test__json=raw)
    try:
        rows = table_files.read_rows(name, raw)
    except Refused:
        return
    assert rows is not None
    json.dumps(rows)


def large(rows: int) -> bytes:
    return b"message,team\n" + b"".join(b"message number %d about a parcel,K3\n" % n for n in range(rows))


def test_a_large_file_is_taken_in_the_background_in_whole_or_not_at_all(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    started = import_start(dataset, by=operator, file_name="m.csv", raw=large(AT_ONCE + 1))
    mapping = {"message": "message", "team": "team"}

    assert import_finish(started, by=operator, mapping=mapping, skip_other_values=False) is None
    assert not dataset.examples.exists()
    with pytest.raises(Conflict):
        import_finish(started, by=operator, mapping=mapping, skip_other_values=False)
    import_run(started.pk)
    import_run(started.pk)  # the message came twice

    started.refresh_from_db()
    assert (started.status, started.rows_read, started.report["added"]) == ("done", AT_ONCE + 1, AT_ONCE + 1)
    assert dataset.examples.count() == AT_ONCE + 1


def test_an_import_whose_worker_died_is_sent_again(worker: Worker, operator: Actor) -> None:
    dataset = dataset_create(by=operator, name="D", description="", worker=worker)
    started = import_start(dataset, by=operator, file_name="m.csv", raw=large(AT_ONCE + 1))
    import_finish(started, by=operator, mapping={"message": "message", "team": "team"}, skip_other_values=False)
    with connection.cursor() as cursor:  # it dies at its last statement
        cursor.execute("ALTER TABLE optimizer_app_auditevent RENAME TO elsewhere")
        with pytest.raises(DatabaseError):
            import_run(started.pk)
        cursor.execute("ALTER TABLE elsewhere RENAME TO optimizer_app_auditevent")
    assert not dataset.examples.exists()
    DatasetImport.objects.update(heartbeat_at=datetime(2020, 1, 1, tzinfo=UTC))
    imports_reap()
    found = DatasetImport.objects.get()
    assert found.heartbeat_at
    assert found.heartbeat_at.year > 2020
    import_run(started.pk)

    assert dataset.examples.count() == AT_ONCE + 1


def test_versions_differ_fork_and_come_back(worker: Worker, operator: Actor) -> None:
    first = frozen(worker)
    examples_add(first.dataset, [(1, {"message": "something new entirely", "team": "K1"})], by=operator, source="more")
    second = dataset_freeze(first.dataset, by=operator, shares=SHARES, stratify_by="team", seed=1)

    difference = version_difference(first, second)
    assert (difference.added, difference.removed, difference.moved, difference.kept) == (1, 0, 0, 120)
    assert difference.some_added[0].inputs == {"message": "something new entirely"}

    assert version_restore(first, by=operator) == 1
    assert first.dataset.live().count() == 120
    assert dataset_freeze(first.dataset, by=operator, shares=SHARES, stratify_by="team", seed=1) == first
    assert version_restore(second, by=operator) == 0
    with pytest.raises(Conflict):
        version_restore(second, by=operator)

    fork = version_fork(first, by=operator, name="Fork")
    copy = fork.versions.get()
    assert (fork.forked_from, copy.content_hash, copy.counts) == (first, first.content_hash, first.counts)
    with pytest.raises(Refused, match="same dataset"):
        version_difference(first, copy)


def test_alike_rows_one_person_and_one_group_never_straddle_splits(worker: Worker) -> None:
    dataset = routing_dataset(worker)
    near: list[dict[str, object]] = [
        {"message": f"Where is parcel number four please tell me now{end}", "team": "K3"}
        for end in ("", "!", " ?", ".", "...")
    ]
    examples_add(dataset, list(enumerate(near)), by=SYSTEM, source="near")
    person: list[dict[str, object]] = [
        {"message": f"{word} concerning {word * 2}", "team": "K1"} for word in ("alpha", "beta", "gamma", "delta")
    ]
    origins = {number: {"subject": "f" * 32} for number in range(4)}
    examples_add(dataset, list(enumerate(person)), by=SYSTEM, source="person", origins=origins)

    version = dataset_freeze(dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=3)

    split = dict(version.members.values_list("example_id", "split"))
    for rows in (near, person):
        hashes = {str(row["message"]) for row in rows}
        ids = [e.pk for e in dataset.examples.all() if e.inputs["message"] in hashes]
        assert len({split[pk] for pk in ids}) == 1
    by_team = dataset_freeze(routing_dataset(worker), by=SYSTEM, shares=SHARES, stratify_by="", seed=3, group_by="team")
    for team in ("K1", "K2", "K3"):
        members = by_team.members.select_related("example")
        assert len({member.split for member in members if member.example.outputs["team"] == team}) == 1


def test_the_quality_report_finds_what_was_planted(worker: Worker) -> None:
    dataset = routing_dataset(worker)
    planted: list[dict[str, Any]] = [
        {"message": "My invoice and payment went missing today", "team": "K1"},
        {"message": "My invoice and payment went missing today!", "team": "K2"},
        {"message": "mail me at anna@example.com", "team": "K1"},
        {"message": "x" * 5000, "team": "K3"},
    ]
    examples_add(dataset, list(enumerate(planted)), by=SYSTEM, source="planted")
    recorded(
        worker, *[record(worker, inputs={"message": "квартира и погода"}, outputs={"team": "K2"}) for _ in range(10)]
    )

    quality_make(dataset.pk)

    found = {finding.key: finding for finding in findings_of(dataset.quality)}
    assert found["conflicts"].count == 2
    assert found["near_duplicates"].count >= 1
    assert found["personal_data"].count == 1
    assert found["lengths"].count == 1
    assert (found["coverage"].count, found["coverage"].of) == (10, 10)
    assert found["balance"].level == "ok"
    assert "leakage" not in found
    dataset_freeze(dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=1)
    quality_make(dataset.pk)
    dataset.quality.refresh_from_db()
    assert {f.key: f for f in findings_of(dataset.quality)}["leakage"].count == 0
