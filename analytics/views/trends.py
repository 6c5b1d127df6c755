"""How a worker goes."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from analytics.charts.courses import Course, Mark, calls_figure, course_figure
from analytics.charts.theme import Figure
from analytics.compute.intervals import Estimate
from analytics.forms.notes import NoteForm
from analytics.models import Note, Stat
from analytics.selectors.periods import Period
from analytics.selectors.records import series_records
from analytics.selectors.stats import Point
from analytics.selectors.trends import course
from analytics.services.notes import note_add, note_remove
from analytics.views.exports import exported
from analytics.views.workers import asked_period, worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs


@needs(Capability.READ)
def trends_page(request: HttpRequest, worker_id: int, note: NoteForm | None = None) -> HttpResponse:
    worker, period = worker_of(worker_id), asked_period(request)
    if file := exported(request, f"worker-{worker_id}-trends", lambda: series_records(worker, period)):
        return file
    shown = course(worker, period)
    marks = [Mark(event.at.isoformat(), n, event.text) for n, event in enumerate(shown.events, 1)]
    return worker_page(
        request, worker, "trends", period=period, shown=shown, figures=_figures(shown.points, marks, period),
        note=note or NoteForm(initial={"at": timezone.localtime()}), errors=shown.now.errors.most_common(8),
        daily=period.step == Stat.Size.DAY,
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def note_new(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker, form = worker_of(worker_id), NoteForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        about = None if told["everywhere"] else worker
        if form.submit(note_add, about, by=actor_of(request), at=told["at"], text=told["text"]):
            messages.success(request, "Noted.")
            return redirect("analytics:trends", worker_id)
    return trends_page(request, worker_id, form)


@require_POST
@needs(Capability.OPERATE)
def note_delete(request: HttpRequest, note_id: int) -> HttpResponse:
    note = get_object_or_404(Note, pk=note_id)
    note_remove(note, by=actor_of(request))
    worker = request.POST.get("worker", "")
    return redirect("analytics:trends", int(worker)) if worker.isdecimal() else redirect("analytics:overview")


def _figures(points: Sequence[Point], marks: Sequence[Mark], period: Period) -> dict[str, tuple[str, Figure]]:
    """Figures by id, with what they show in words."""
    if not points:
        return {}
    at = [_moment(point.start, period) for point in points]
    between = (_moment(period.start, period), _moment(period.end, period))
    quality = [_estimated("Success", at, [point.totals.success for point in points])]
    if any(point.totals.scored for point in points):
        quality.insert(0, _estimated("Score", at, [point.totals.score for point in points]))
    latency = [
        Course("p50", at, [point.totals.p50 for point in points]),
        Course("p95", at, [point.totals.p95 for point in points]),
    ]
    failed = [point.totals.calls - point.totals.successes for point in points]
    figures = {
        "quality": ("Quality, with 95 % intervals", course_figure(quality, marks, unit="%", between=between)),
        "latency": ("Latency", course_figure(latency, marks, unit="ms", between=between, zero=True)),
        "calls": ("Calls", calls_figure(at, [point.totals.successes for point in points], failed, between)),
    }
    costs = [point.totals.cost_per_call for point in points]
    if any(cost is not None for cost in costs):
        cost = Course("Cost per 1,000 calls", at, [None if c is None else 1000 * c for c in costs])
        figures["cost"] = ("Cost", course_figure([cost], marks, unit="USD per 1,000 calls", between=between, zero=True))
    return figures


def _moment(moment: datetime, period: Period) -> str:
    """Days are UTC days and have no hour; other times are shown in the reader's zone."""
    return moment.strftime("%Y-%m-%d") if period.step == Stat.Size.DAY else moment.isoformat()


def _estimated(name: str, at: list[str], estimates: Sequence[Estimate | None]) -> Course:
    def ends(part: str) -> list[float | None]:
        return [None if told is None else 100 * getattr(told, part) for told in estimates]

    return Course(name, at, ends("value"), ends("low"), ends("high"))
