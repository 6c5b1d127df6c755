"""Evaluations from elsewhere: whole or not at all, and the numbers of a direct computation."""

import io
import json
import math
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from scipy import stats

from analytics.models import OutsideEvaluation, OutsideScore
from optimizer_app.models import AuditEvent, Worker
from tests.data import DATA

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
GSM8K = DATA / "gsm8k" / "example_model_solutions.jsonl"
DIRECT = {
    ("6b_finetuning", "6b_verification"): (286, 515, 293, 64),
    ("175b_finetuning", "175b_verification"): (458, 742, 360, 76),
}


def bring(path: Path, worker: str = "math") -> str:
    out = io.StringIO()
    call_command("import_evaluations", path, "--worker", worker, stdout=out)
    return out.getvalue()


def compared(before: str, after: str, worker: str = "math") -> dict[str, object]:
    out = io.StringIO()
    call_command("compare", "--worker", worker, "--before", before, "--after", after, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.skipif(not GSM8K.exists(), reason="GSM8K is not beside the project")
def test_every_pair_of_gsm8k_is_the_direct_computation(tmp_path: Path) -> None:
    problems = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    names = [name for name, told in problems[0].items() if isinstance(told, dict)]
    rows = [
        {"example": number, "variant": name, "score": problem[name]["is_correct"], "output": problem[name]["solution"]}
        for number, problem in enumerate(problems)
        for name in names
    ]
    bring(jsonl(tmp_path / "gsm8k.jsonl", *rows))

    for before in names:
        for after in names:
            if before == after:
                continue
            found = compared(before, after)
            pairs = [(p[before]["is_correct"], p[after]["is_correct"]) for p in problems]
            n, fixed, broken = len(pairs), sum(b > a for a, b in pairs), sum(b < a for a, b in pairs)
            center = (fixed - broken) / (n + 2)
            error = math.sqrt((fixed + broken + 2 - (n + 2) * center**2) / (n + 1) / (n + 2))
            reach = stats.t.ppf(0.975, n + 1) * error
            assert (found["n"], found["fixed"], found["broken"]) == (n, fixed, broken)
            assert found["difference"] == pytest.approx((fixed - broken) / n)
            assert found["interval"] == pytest.approx([center - reach, center + reach])
            assert found["p"] == pytest.approx(2 * stats.t.sf(abs(center) / error, n + 1), rel=1e-6)
            assert found["p_sign_flip"] == pytest.approx(stats.binomtest(fixed, fixed + broken).pvalue)
    for (before, after), told in DIRECT.items():
        found = compared(before, after)
        correct = [round(1319 * float(str(found[key]))) for key in ("mean_before", "mean_after")]
        assert (*correct, found["fixed"], found["broken"]) == told


def test_a_worker_that_is_not_known_is_created_and_said(tmp_path: Path) -> None:
    rows = [{"key": i, "variant": v, "score": i % 2 if v == "a" else 1} for i in range(12) for v in ("a", "b")]
    said = bring(jsonl(tmp_path / "r.jsonl", *rows, {"key": 99, "variant": "b", "score": 0.5, "notes": "x"}))
    assert "it was created" in said
    assert "Not read: notes" in said
    found = compared("a", "b")
    assert (found["n"], found["fixed"], found["only_after"], found["verdict"]) == (12, 6, 1, "improved")
    assert AuditEvent.objects.filter(verb="evaluations.import").count() == 1


def test_a_variant_that_comes_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    bring(jsonl(tmp_path / "1.jsonl", {"example": "x", "variant": "a", "score": 0}))
    bring(jsonl(tmp_path / "2.jsonl", {"example": "x", "variant": "a", "score": 1}))
    assert OutsideEvaluation.objects.get().mean_score == 1
    assert OutsideScore.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"example": "b", "variant": "a", "score": 1.5}, "Row 2: score 1.5 is not between 0 and 1"),
        ({"example": "b", "variant": "a", "score": "high"}, "Row 2: score “high” is no number"),
        ({"example": "b", "variant": "a", "score": "nan"}, "Row 2: score nan is not between"),
        ({"example": "", "variant": "a", "score": 1}, "Row 2: “example” is empty"),
        ({"example": "a", "variant": "a", "score": 1}, "Row 2: example “a” of a stands in row 1 already"),
        ({"example": "b", "variant": "a", "score": 1, "cost": -1}, "Row 2: cost -1 is not between"),
        ({"example": "b", "variant": "a", "score": 1, "slice": {"x": []}}, "Row 2: “slice” is a name"),
        ({"example": "b", "variant": "x" * 101, "score": 1}, "Row 2: “variant” is longer than 100"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_stored(tmp_path: Path, row: object, said: str) -> None:
    path = jsonl(tmp_path / "bad.jsonl", {"example": "a", "variant": "a", "score": 1}, row)
    with pytest.raises(CommandError, match=said):
        bring(path)
    assert not OutsideEvaluation.objects.exists()
    assert not Worker.objects.filter(name="math").exists()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no column example, score"):
        bring(jsonl(tmp_path / "r.jsonl", {"variant": "a", "points": 1}))
    with pytest.raises(CommandError, match="No such file"):
        bring(tmp_path / "nothing.csv")
    bring(jsonl(tmp_path / "r.jsonl", *({"key": "x", "variant": v, "score": 1} for v in "ab")))
    bring(jsonl(tmp_path / "s.jsonl", {"key": "y", "variant": "c", "score": 1}))
    with pytest.raises(CommandError, match="has no variant “z”"):
        compared("a", "z")
    with pytest.raises(CommandError, match="no example in common"):
        compared("a", "c")
    with pytest.raises(CommandError, match="no worker called “x”"):
        compared("a", "b", worker="x")
