"""Figures are valid Plotly figures and show the numbers they are given."""

from typing import Any

import plotly.graph_objects as go
import pytest

from analytics.charts.comparisons import interval_figure, splits_figure
from analytics.charts.runs import Point, search_figure
from optimizer_app.engine.comparison import compare


def check(figure: dict[str, Any]) -> None:
    """Plotly itself refuses unknown properties; our colour roles are filled in by the browser."""

    def coloured(value: Any) -> Any:
        if isinstance(value, str):
            return "#123456" if value.startswith("$") else value
        if isinstance(value, list):
            return [coloured(item) for item in value]
        return {key: coloured(item) for key, item in value.items()} if isinstance(value, dict) else value

    go.Figure(data=coloured(figure["data"]), layout=coloured(figure["layout"]))


@pytest.mark.parametrize("after", [[1.0] * 20, [0.0] * 20, [0.0, 1.0] * 10])
def test_interval(after: list[float]) -> None:
    numbers = {
        key: getattr(compare([0.0, 1.0] * 10, after, binary=True), key)
        for key in ("difference", "low", "high", "verdict")
    }

    figure = interval_figure(numbers)

    check(figure)
    assert figure["data"][0]["x"] == [numbers["difference"] * 100]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < numbers["low"] * 100 < numbers["high"] * 100 < high


def test_splits_tell_before_from_after_without_colour() -> None:
    figure = splits_figure({"Validation": (0.5, 0.8), "Test": (0.5, 0.6)})

    check(figure)
    patterns = [trace["marker"]["pattern"]["shape"] for trace in figure["data"]]
    assert len(set(patterns)) == 2
    assert figure["data"][1]["y"] == [80.0, 60.0]


def test_search_keeps_minibatch_scores_apart_and_never_falls() -> None:
    figure = search_figure([Point(30, 1, 0.6), Point(10, 0, 0.5), Point(50, 2, 0.4)], [Point(20, 3, 0.9)])

    check(figure)
    best, full, part = figure["data"]
    assert best["y"] == [50.0, 60.0, 60.0]
    assert part["y"] == [90.0]
    assert full["marker"]["symbol"] != part["marker"]["symbol"]
