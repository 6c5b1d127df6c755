"""Who may do what: actors, capabilities, and the four roles that bundle them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from optimizer_app.common.ownership import seen_by
from optimizer_app.common.problems import problem


class Capability(StrEnum):
    """What an actor may do. API tokens hold capabilities as scopes."""

    READ = "read"
    PREDICT = "predict"
    RECORD = "record"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMIN = "admin"


MEANING = {
    Capability.READ: "see everything but secrets",
    Capability.PREDICT: "call workers",
    Capability.RECORD: "register workers from code, send their executions, feedback and scores",
    Capability.OPERATE: "change workers, datasets and metrics, launch and stop runs",
    Capability.APPROVE: "promote versions and roll back",
    Capability.ADMIN: "manage language models, tokens and people",
}

_VIEWER = frozenset({Capability.READ})
_OPERATOR = _VIEWER | {Capability.PREDICT, Capability.RECORD, Capability.OPERATE}
_APPROVER = _OPERATOR | {Capability.APPROVE}
_ADMIN = _APPROVER | {Capability.ADMIN}
ROLES: dict[str, frozenset[Capability]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "approver": _APPROVER,
    "admin": _ADMIN,
}
OPEN_PATHS = (
    "/healthz", "/readyz", "/v1/traces", "/login/", "/logout/", "/static/", "/shared/", "/oidc/", "/second-factor/",
)  # fmt: skip
CODE_DUE = "code_due"  # session: signed in with a password, the code is still to come
FACTOR_DUE = "factor_due"  # session: a second factor must be set up before anything else
CODE_PATH, ACCOUNT_PATH = "/second-factor/", "/account/"
METRICS_PATH = "/metrics"  # Prometheus' own address, which checks tokens itself; /metrics/ is a list of the shell
API_PATH = "/api/"  # checks tokens itself


class NotAllowed(PermissionDenied):
    """An actor lacks a capability. The message says which and who gives it."""


@dataclass(frozen=True)
class Actor:
    """Who does something: a person, an API token or the system itself."""

    name: str
    kind: str
    capabilities: frozenset[Capability]
    address: str = ""
    teams: frozenset[int] | None = None  # whose rows are seen; None: everybody's

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def require(self, capability: Capability) -> None:
        """Raise NotAllowed unless the actor has the capability."""
        if not self.can(capability):
            raise NotAllowed(f"{self.name} may not do this: it takes the right to {MEANING[capability]}.")

    def require_sight_of_all(self) -> None:
        """Raise NotAllowed unless the actor sees the rows of every team: for what concerns all workers."""
        if self.teams is not None:
            raise NotAllowed(f"{self.name} may not do this for all workers, seeing only those of a team; choose one.")


SYSTEM = Actor("Uplift", "system", _ADMIN)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person behind a request."""
    user = request.user
    return Actor(
        name=user.get_username() or "anonymous",
        kind="person",
        capabilities=capabilities_of(user),
        address=request.META.get("REMOTE_ADDR", ""),
        teams=teams_of(user),
    )


def teams_of(user: User | AnonymousUser) -> frozenset[int] | None:
    """The teams whose rows a person sees: theirs where UPLIFT_TEAMS is on, everybody's elsewhere and for admins."""
    if not settings.TEAMS or not isinstance(user, User) or Capability.ADMIN in capabilities_of(user):
        return None
    kept = vars(user)
    if "_teams" not in kept:
        kept["_teams"] = frozenset(user.teams.values_list("pk", flat=True))
    teams: frozenset[int] = kept["_teams"]
    return teams


def capabilities_of(user: User | AnonymousUser) -> frozenset[Capability]:
    """What a person's roles allow; a superuser is an admin. Looked up once per request."""
    if not user.is_active or not user.is_authenticated:
        return frozenset()
    kept = vars(user)
    if "_capabilities" not in kept:
        groups = user.groups.values_list("name", flat=True)
        bundles = [_ADMIN] if user.is_superuser else [ROLES[name] for name in groups if name in ROLES]
        kept["_capabilities"] = frozenset().union(*bundles)
    capabilities: frozenset[Capability] = kept["_capabilities"]
    return capabilities


def _not_yet(path: str, elsewhere: HttpResponseBase) -> HttpResponseBase:
    """Signed in with a password, but not with the second factor: programs are refused, people are led there."""
    if path.startswith(API_PATH) or path == METRICS_PATH:
        return problem(403, "The second factor of this sign-in is still to come.")
    return elsewhere


def sign_in_required(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: every path but the open ones needs a signed-in person who may at least read."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with seen_by(teams_of(request.user)):
            return opened(request)

    def opened(request: HttpRequest) -> HttpResponseBase:
        path, known = request.path, request.user.is_authenticated
        if path.startswith(OPEN_PATHS) or (not known and (path == METRICS_PATH or path.startswith(API_PATH))):
            return get_response(request)
        if not known:
            return redirect_to_login(request.get_full_path())
        if request.session.get(CODE_DUE):
            return _not_yet(path, redirect_to_login(request.get_full_path(), CODE_PATH))
        if request.session.get(FACTOR_DUE) and not path.startswith(ACCOUNT_PATH):
            return _not_yet(path, HttpResponseRedirect(ACCOUNT_PATH))
        actor_of(request).require(Capability.READ)
        return get_response(request)

    return middleware
