"""Pages of teams, and of who owns what."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.common.problems import Refused
from optimizer_app.forms.people import TeamForm
from optimizer_app.models import Dataset, Team, Worker
from optimizer_app.services.teams import own, team_save, teams_to_give_to


@needs(Capability.ADMIN)
def team_list(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    made = form.submit(team_save, None, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if made:
        messages.success(request, "The team is made.")
        return redirect("optimizer:teams")
    teams = Team.objects.prefetch_related("members", "workers", "datasets")
    return page(request, "optimizer_app/people/teams.html", title="Teams", teams=teams, form=form)


@needs(Capability.ADMIN)
def team_edit(request: HttpRequest, team_id: int) -> HttpResponse:
    team = get_object_or_404(Team, pk=team_id)
    form = TeamForm(request.POST or None, initial={"name": team.name, "members": team.members.all()})
    saved = form.submit(team_save, team, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if saved:
        messages.success(request, "Saved.")
        return redirect("optimizer:teams")
    return page(
        request, "optimizer_app/people/form.html", title=team.name, form=form, back="optimizer:teams", verb="Save"
    )


@require_POST
@needs(Capability.APPROVE)
def worker_own(request: HttpRequest, worker_id: int) -> HttpResponse:
    return _own(request, get_object_or_404(Worker, pk=worker_id), "optimizer:worker-detail")


@require_POST
@needs(Capability.APPROVE)
def dataset_own(request: HttpRequest, dataset_id: int) -> HttpResponse:
    return _own(request, get_object_or_404(Dataset, pk=dataset_id), "optimizer:dataset-detail")


def _own(request: HttpRequest, thing: Worker | Dataset, back: str) -> HttpResponse:
    actor, wanted = actor_of(request), request.POST.get("team", "")
    team = next((team for team in teams_to_give_to(actor) if str(team.pk) == wanted), None)
    if wanted and team is None:
        raise Refused("There is no such team among those that you may give to.")
    own(thing, by=actor, team=team)
    messages.success(request, f"{thing} belongs to {team or 'everybody'} now.")
    return redirect(back, thing.pk)
