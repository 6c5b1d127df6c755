"""The replay command: duplicates and disorder do no harm, alarms are where they belong, bad files are named."""

import csv
import io
import random
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

COLUMNS = ["arrived", "id", "t", "success", "score", "latency_ms", "cost"]


def stream(folder: Path, name: str, *, change: int | None, n: int = 3000, twice: float = 0.0) -> None:
    draw = random.Random(name)
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(n):
            p = 0.7 if change is not None and i >= change else 0.9
            row = [1e9 + 90 * i, f"id{i}", 1e9 + 90 * i - draw.random() * 500, int(draw.random() < p), "", 900, 0.004]
            for _ in range(2 if draw.random() < twice else 1):
                writer.writerow(row)


def labels(folder: Path, *names: str) -> None:
    rows = "".join(f"{name},f,success,500,2500,,,,,step,\n" for name in names)
    head = "stream,family,signal,ref_n,n,change_t,change_row,end_t,kl,kind,note\n"
    (folder / "labels.csv").write_text(head + rows)


def alarms(folder: Path, *options: str) -> list[dict[str, str]]:
    out = folder / "alarms.csv"
    call_command("detector_replay", folder, "--out", out, *options, stdout=io.StringIO())
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_fall_is_noticed_and_calm_is_not(tmp_path: Path) -> None:
    stream(tmp_path, "falls", change=1500)
    stream(tmp_path, "calm", change=None)
    labels(tmp_path, "falls", "calm")
    found = alarms(tmp_path, "--signals", "success")
    assert [(row["stream"], row["signal"]) for row in found] == [("falls", "success")]
    assert 1500 < int(found[0]["row"]) < 1700


def test_what_is_delivered_twice_counts_once(tmp_path: Path) -> None:
    for name, twice in (("once", 0.0), ("twice", 0.5)):
        folder = tmp_path / name
        folder.mkdir()
        stream(folder, "falls", change=1500)
        if twice:
            text = (folder / "falls.csv").read_text().splitlines()
            doubled = [text[0], *(line for i, row in enumerate(text[1:]) for line in [row] * (2 if i % 3 else 1))]
            (folder / "falls.csv").write_text("\n".join(doubled))
        labels(folder, "falls")
    assert alarms(tmp_path / "once") == alarms(tmp_path / "twice")


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="labels"):
        alarms(tmp_path)
    labels(tmp_path, "gone")
    with pytest.raises(CommandError, match="gone"):
        alarms(tmp_path)
    (tmp_path / "gone.csv").write_text(",".join(COLUMNS) + "\n1,a,1,yes,,,\n")
    with pytest.raises(CommandError, match="line 2"):
        alarms(tmp_path)
    with pytest.raises(CommandError, match="no signal"):
        alarms(tmp_path, "--signals", "luck")
    with pytest.raises(CommandError, match="above 1"):
        alarms(tmp_path, "--gamma", "0")
