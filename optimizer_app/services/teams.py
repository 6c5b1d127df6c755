"""Teams, and what they own."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Dataset, Team, Worker
from optimizer_app.services import audit


def team_save(team: Team | None, *, by: Actor, name: str, members: Sequence[User]) -> Team:
    """Make a team, or change its name and members."""
    by.require(Capability.ADMIN)
    if not name.strip():
        raise Refused(fields={"name": ["A team needs a name."]})
    if Team.objects.filter(name=name).exclude(pk=team.pk if team else 0).exists():
        raise Refused(fields={"name": [f"There is already a team called “{name}”."]})
    with transaction.atomic():
        saved = team or Team()
        saved.name = name
        saved.save()
        saved.members.set(members)
        names = sorted(person.get_username() for person in members)
        audit.record(by, "team.update" if team else "team.create", saved, members=names)
    return saved


def own(thing: Worker | Dataset, *, by: Actor, team: Team | None) -> None:
    """Give a worker or a dataset to a team, or to everybody. Who sees only some teams' rows gives within these."""
    by.require(Capability.APPROVE)
    if by.teams is not None and (team is None or team.pk not in by.teams):
        raise Refused(fields={"team": ["Choose a team of yours; to give to others takes an admin."]})
    before = thing.team
    with transaction.atomic():
        thing.team = team
        thing.save(update_fields=["team"])
        told = {"team": str(team or "everybody"), "before": str(before or "everybody")}
        audit.record(by, f"{thing._meta.model_name}.own", thing, **told)


def teams_to_give_to(by: Actor) -> list[Team]:
    """The teams that somebody may give things to; none while teams are off."""
    if not settings.TEAMS:
        return []
    teams = Team.objects.all()
    return list(teams if by.teams is None else teams.filter(pk__in=by.teams))
