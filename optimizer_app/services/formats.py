"""Datasets as files: CSV, JSON, JSONL, Parquet, a Hugging Face folder, OpenAI's fine-tuning JSONL.

What is exported can be imported again without loss.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from optimizer_app.common.problems import Refused
from optimizer_app.models import Dataset, DatasetVersion, Example

FORMATS = {
    "csv": "CSV", "jsonl": "JSON lines", "json": "JSON", "parquet": "Parquet", "hf": "Hugging Face folder (zip)",
    "openai": "OpenAI fine-tuning (JSONL)",
}  # fmt: skip
SPLIT_COLUMN = "split"
# A spreadsheet would run these as formulas; an apostrophe before them is taken off again by the import.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "'")
HF_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
Row = dict[str, Any]


def export(source: Dataset | DatasetVersion, kind: str) -> tuple[str, bytes]:
    """File name and content. A frozen version has the column “split”. Erased examples are left out."""
    if kind not in FORMATS:
        raise Refused(f"There is no format “{kind}”. There are {', '.join(FORMATS)}.")
    dataset = source if isinstance(source, Dataset) else source.dataset
    rows = list(_rows(source))
    if not rows:
        raise Refused("There is nothing to export yet.")
    write: dict[str, Callable[[Dataset, list[Row]], bytes]] = {
        "csv": _csv, "jsonl": lambda d, r: _lines(r), "json": lambda d, r: json.dumps(r, ensure_ascii=False).encode(),
        "parquet": lambda d, r: _parquet(r), "hf": _hugging_face, "openai": _openai,
    }  # fmt: skip
    name = "".join(c if c.isalnum() else "-" for c in str(source)).strip("-").lower()
    ending = {"hf": "zip", "openai": "jsonl"}.get(kind, kind)
    return f"{name}.{ending}", write[kind](dataset, rows)


def _rows(source: Dataset | DatasetVersion) -> Iterator[Row]:
    if isinstance(source, Dataset):
        for example in source.live().order_by("id").iterator(chunk_size=1000):
            yield _row(example)
        return
    members = source.members.filter(example__erased_at=None).select_related("example").order_by("example_id")
    for member in members.iterator(chunk_size=1000):
        yield {**_row(member.example), SPLIT_COLUMN: member.split}


def _row(example: Example) -> Row:
    return {**example.inputs, **example.outputs}


def _csv(dataset: Dataset, rows: list[Row]) -> bytes:
    file = io.StringIO()
    # \r\n, because a text with \r in it is quoted only where that ends lines
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue().encode()


def _cell(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if value.startswith(FORMULA_SIGNS) else value


def _lines(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: list[Row]) -> bytes:
    # Imported where it is used: it costs a process 40 MB that most do not need.
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pylist(rows), file)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Refused(f"These values do not fit into Parquet's columns: {error}") from None
    return file.getvalue()


def _hugging_face(dataset: Dataset, rows: list[Row]) -> bytes:
    """A folder that `datasets.load_dataset` reads: data/<split>.parquet and a card that names them."""
    splits: dict[str, list[Row]] = {}
    for row in rows:
        kept = {name: value for name, value in row.items() if name != SPLIT_COLUMN}
        splits.setdefault(HF_SPLITS[row.get(SPLIT_COLUMN, "train")], []).append(kept)
    files = "".join(f"  - split: {split}\n    path: data/{split}.parquet\n" for split in splits)
    head = f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    card = f"{head}\n# {dataset.name}\n\n{dataset.description}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("README.md", card)
        for split, part in splits.items():
            folder.writestr(f"data/{split}.parquet", _parquet(part))
    return packed.getvalue()


def _openai(dataset: Dataset, rows: list[Row]) -> bytes:
    """Inputs as the user's message, outputs as the assistant's, both as JSON objects."""
    inputs = [field.name for field in dataset.input_fields()]
    outputs = [field.name for field in dataset.output_fields()]
    return _lines(
        {
            "messages": [
                {"role": role, "content": json.dumps({name: row[name] for name in names}, ensure_ascii=False)}
                for role, names in (("user", inputs), ("assistant", outputs))
            ]
        }
        for row in rows
    )
