"""Figures are valid Plotly figures and show the numbers they are given."""

from typing import Any

import plotly.graph_objects as go
import pytest

from analytics.charts.comparisons import interval_figure, splits_figure
from analytics.charts.courses import Course, Mark, calls_figure, course_figure
from analytics.charts.runs import Point, search_figure
from analytics.charts.values import (
    break_even_figure,
    changes_figure,
    forest_figure,
    gain_cost_figure,
    histogram_figure,
)
from analytics.compute.roi import Stake, course
from analytics.compute.sketches import Sketch
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


AT = ["2026-11-01", "2026-11-02", "2026-11-03"]


def test_courses_differ_in_more_than_colour_and_carry_their_marks() -> None:
    told = [
        Course("Score", AT, [60, None, 80], [50, None, 70], [70, None, 90]),
        Course("Success", AT, [90, 91, 92]),
    ]
    made = course_figure(told, [Mark("2026-11-02", 1, "Promoted")], unit="%", between=(AT[0], AT[-1]))
    check(made)
    lines = [trace for trace in made["data"] if trace.get("name")]
    assert len({(line["line"]["dash"], line["marker"]["symbol"]) for line in lines}) == 2
    assert made["layout"]["annotations"][0]["text"] == "1"
    assert len(made["layout"]["shapes"]) == 1


def test_calls() -> None:
    made = calls_figure(AT, [5, 6, 7], [0, 1, 0], (AT[0], AT[-1]))
    check(made)
    assert made["data"][1]["marker"]["pattern"]["shape"] == "/"


def test_money() -> None:
    stake = Stake(spent=40, gain=0.06, gain_error=0.03, cost=0.001, cost_error=0, value=0.05, per_day=800)
    made = break_even_figure(course(stake))
    check(made)
    assert made["data"][-1]["y"][0] == -40
    check(gain_cost_figure([("GEPA", 1.0, 0.1, 0.05, 0.15, "run 1"), ("MIPROv2", 2.0, 0.0, -0.1, 0.1, "run 2")]))
    check(gain_cost_figure([]))
    made = forest_figure([("run 1", 0.1, 0.05, 0.15), ("run 2", -0.1, -0.2, 0.0)])
    check(made)
    assert made["data"][0]["y"] == ["run 2", "run 1"]


def test_distributions() -> None:
    check(histogram_figure(Sketch.of([10, 20, 20, 400]).histogram(), unit="ms", limit=100))
    made = changes_figure([(-1.0, 3), (0.0, 10), (0.5, 4)])
    check(made)
    assert made["data"][0]["marker"]["pattern"]["shape"] == ["/", "", ""]
