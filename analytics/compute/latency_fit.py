"""Does a language model fit here? A worker's declared need against what was measured."""

from dataclasses import dataclass
from typing import Literal

from analytics.compute.sketches import Sketch

Fit = Literal["not declared", "not measured", "fits", "hybrid", "static"]
ENOUGH = 0.95  # of the calls within the need: it fits
HALF = 0.5
OFTEN_PER_DAY = 8_640  # a call every ten seconds: often enough to be worth planning for
LEAST_CALLS = 50


@dataclass(frozen=True)
class LatencyFit:
    """`within` is the share of calls that were answered in time, of `n`."""

    fit: Fit
    within: float | None
    n: int
    reasons: tuple[str, ...]


def latency_fit(need_ms: float | None, latency: Sketch, per_day: float) -> LatencyFit:
    """The verdict: "fits" (call the model), "hybrid" (call it with a static answer in reserve for the slow calls), or
    "static" (plan offline, serve what was planned)."""
    n = latency.count
    if need_ms is None:
        return LatencyFit("not declared", None, n, ("Say how soon an answer must be there: edit the worker.",))
    above = latency.share_above(need_ms)
    if above is None or n < LEAST_CALLS:
        return LatencyFit("not measured", None, n, (f"{n} calls with a latency; at least {LEAST_CALLS} are needed.",))
    within = 1 - above
    told = f"{100 * within:.1f} % of {n:,} calls were answered within {need_ms:,.0f} ms"
    often = f"it is called {per_day:,.0f} times a day"
    if within >= ENOUGH:
        return LatencyFit("fits", within, n, (told, f"at least {100 * ENOUGH:.0f} % are asked for"))
    if within >= HALF:
        return LatencyFit(
            "hybrid", within, n, (told, "most are in time: keep the model, and a static answer for calls that are late")
        )
    frequent = "a plan made offline is used often" if per_day >= OFTEN_PER_DAY else "few calls need the plan"
    return LatencyFit("static", within, n, (told, "most are late", f"{often}, so {frequent}"))
