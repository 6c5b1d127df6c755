"""Which teams' rows are seen: decided once for each request, kept by the managers of what teams own (docs/adr/0017).

Nothing is set in background jobs, commands and the SDK's in-process path: they see everything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Q, QuerySet

M = TypeVar("M", bound=models.Model)
Teams = frozenset[int] | None
_SEEN: ContextVar[Teams] = ContextVar("teams", default=None)


@contextmanager
def seen_by(teams: Teams) -> Iterator[None]:
    """Within, only rows of these teams and rows that nobody owns are seen; None: every row."""
    token = _SEEN.set(teams)
    try:
        yield
    finally:
        _SEEN.reset(token)


def see_as(teams: Teams) -> None:
    """The same until the request ends: for callers who turn out to be a token within it."""
    _SEEN.set(teams)


def teams_seen() -> Teams:
    """The teams whose rows are seen now; None: every row."""
    return _SEEN.get()


def cache_key(key: str, prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: what was kept for one pair of eyes is not shown to another."""
    teams = teams_seen()
    eyes = "all" if teams is None else "-".join(map(str, sorted(teams)))
    return f"{prefix}:{version}:{eyes}:{key}"


class OfTeam(models.Manager[M]):
    """The rows themselves belong to a team. `everywhere` is the way past, for names that must be unique."""

    def get_queryset(self) -> QuerySet[M]:
        rows, teams = super().get_queryset(), teams_seen()
        return rows if teams is None else rows.filter(self.seen(teams))

    def seen(self, teams: frozenset[int]) -> Q:
        return Q(team=None) | Q(team__in=teams)


def only_seen(rows: QuerySet[M]) -> QuerySet[M]:
    """Of a query that was made outside of the request: what is seen now."""
    manager, teams = rows.model._default_manager, teams_seen()
    return rows.filter(manager.seen(teams)) if isinstance(manager, OfTeam) and teams is not None else rows.all()


def home_team() -> int | None:
    """The team of what is made now: the first of those whose rows are seen, nobody's where every row is."""
    return min(teams_seen() or (), default=None)


class _Through(OfTeam[M]):
    """Rows belong to whoever owns what `path` leads to; where it leads nowhere, to everybody."""

    owner, path = "Worker", "worker"

    def seen(self, teams: frozenset[int]) -> Q:
        owners = apps.get_model("optimizer_app", self.owner)._base_manager.filter(super().seen(teams))
        return Q(**{f"{self.path}__in": owners.values("pk")}) | (
            Q(**{self.path: None}) if self._may_be_empty() else Q()
        )

    def _may_be_empty(self) -> bool:
        return "__" not in self.path and bool(self.model._meta.get_field(self.path).null)


class OfWorker(_Through[M]):
    """What belongs to a worker."""


class OfRun(_Through[M]):
    """What belongs to a run of a worker."""

    path = "run__worker"


class OfEvaluation(_Through[M]):
    """What belongs to an evaluation of a run."""

    path = "evaluation__run__worker"


class OfExecution(_Through[M]):
    """What belongs to an execution of a worker."""

    path = "execution__worker"


class OfDataset(_Through[M]):
    """What belongs to a dataset."""

    owner, path = "Dataset", "dataset"


class OfDatasetVersion(OfDataset[M]):
    """What belongs to a frozen version of a dataset."""

    path = "version__dataset"
