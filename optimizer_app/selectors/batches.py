"""Reading batches: their progress, and the comparison matrix."""

from dataclasses import dataclass
from typing import Any

from optimizer_app.models import Batch, Evaluation, Run, Split


@dataclass(frozen=True)
class Cell:
    """One run of a matrix. Scores and intervals are of the sealed test split; costs per 1,000 calls."""

    run: Run
    numbers: dict[str, Any] | None
    cost: float | None
    spent: float | None
    latency_ms: float | None
    on_front: bool = False

    @property
    def value(self) -> float | None:
        """Points of score per dollar for 1,000 calls; None where the cost is unknown or nothing."""
        return 100 * self.numbers["after"] / self.cost if self.numbers and self.cost else None


@dataclass(frozen=True)
class Matrix:
    """Models by optimizers. The winner: the cheapest cell whose score is not shown to be below the best one's."""

    models: list[str]
    optimizers: list[str]
    cells: dict[str, dict[str, Cell]]  # model -> optimizer -> cell
    winner: Cell | None
    rule: str


@dataclass(frozen=True)
class BatchPage:
    """A batch with its runs."""

    batch: Batch
    runs: list[Run]
    spent: dict[str, Any]
    matrix: Matrix | None

    @property
    def ended(self) -> int:
        return sum(run.ended for run in self.runs)


RULE = "the cheapest per call among those whose 95 % interval reaches up to the best score"


def batch_page(batch: Batch) -> BatchPage:
    """The batch with what it has spent; a matrix with its cells."""
    runs = list(batch.runs.select_related("worker", "language_model", "comparison", "winner").order_by("id"))
    spent = {
        key: sum((run.progress.get("usage") or {}).get(key) or 0 for run in runs)
        for key in ("calls", "cached_calls", "tokens_in", "tokens_out")
    }
    prices = [run.progress["usage"]["cost_usd"] for run in runs if run.progress.get("usage")]
    spent["cost_usd"] = None if None in prices else sum(prices)
    return BatchPage(batch, runs, spent, _matrix(runs) if batch.kind == Batch.Kind.MATRIX else None)


def _matrix(runs: list[Run]) -> Matrix:
    tests = Evaluation.objects.filter(run__in=runs, role=Evaluation.Role.WINNER, split=Split.TEST)
    evaluations = {evaluation.run_id: evaluation for evaluation in tests}
    cells = [_cell(run, evaluations.get(run.pk)) for run in runs]
    front = _front([cell for cell in cells if cell.numbers])
    cells = [Cell(**{**vars(cell), "on_front": cell.run.pk in front}) for cell in cells]
    table: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        table.setdefault(cell.run.language_model.name, {})[cell.run.optimizer] = cell
    return Matrix(
        models=list(table),
        optimizers=list(dict.fromkeys(run.optimizer for run in runs)),
        cells=table,
        winner=_winner(cells) if all(run.ended for run in runs) else None,
        rule=RULE,
    )


def _cell(run: Run, test: Evaluation | None) -> Cell:
    comparison = getattr(run, "comparison", None)
    measured = test.measured if test else 0
    return Cell(
        run=run,
        numbers=comparison.numbers if comparison else None,
        cost=1000 * test.cost_usd / measured if test and test.cost_usd is not None and measured else None,
        spent=(run.progress.get("usage") or {}).get("cost_usd"),
        latency_ms=test.latency_p50_ms if test else None,
    )


def _front(cells: list[Cell]) -> set[int]:
    """Runs that no other beats both in score and in cost per call."""

    def beaten(cell: Cell) -> bool:
        return any(
            _score(other) >= _score(cell)
            and _price(other) <= _price(cell)
            and (_score(other), -_price(other)) != (_score(cell), -_price(cell))
            for other in cells
        )

    return {cell.run.pk for cell in cells if not beaten(cell)}


def _winner(cells: list[Cell]) -> Cell | None:
    scored = [cell for cell in cells if cell.numbers]
    if not scored:
        return None
    best = max(scored, key=_score)
    near = [cell for cell in scored if _upper(cell) >= _score(best)]
    return min(near, key=lambda cell: (_price(cell), -_score(cell), cell.latency_ms or 0.0))


def _score(cell: Cell) -> float:
    return float(cell.numbers["after"]) if cell.numbers else 0.0


def _upper(cell: Cell) -> float:
    """The upper end of the score's interval: the baseline's score plus the upper end of the difference."""
    return float(cell.numbers["before"] + cell.numbers["high"]) if cell.numbers else 0.0


def _price(cell: Cell) -> float:
    return float("inf") if cell.cost is None else cell.cost
