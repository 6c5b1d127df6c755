"""Make, check and revoke API tokens."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.ownership import see_as
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import ApiToken, Team
from optimizer_app.services import audit

MARK = "upl"
PREFIX_LENGTH = 8
USED_EVERY = timedelta(minutes=1)  # "last used" is written at most this often


def token_create(
    *, by: Actor, name: str, scopes: list[str], expires_at: datetime | None = None, team: Team | None = None
) -> tuple[ApiToken, str]:
    """A token and its text, which is shown this once and never stored."""
    by.require(Capability.ADMIN)
    fields: dict[str, list[str]] = {}
    if not name.strip():
        fields["name"] = ["A token needs a name."]
    elif ApiToken.objects.filter(name=name).exists():
        fields["name"] = [f"There is already a token called “{name}”."]
    unknown = set(scopes) - set(Capability)
    if unknown or not scopes:
        fields["scopes"] = [f"Choose scopes from: {', '.join(Capability)}."]
    if expires_at and expires_at <= timezone.now():
        fields["expires_at"] = ["The expiry lies in the past."]
    if fields:
        raise Refused(fields=fields)
    prefix = secrets.token_hex(PREFIX_LENGTH // 2)
    text = f"{MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            name=name,
            prefix=prefix,
            digest=_digest(text),
            scopes=sorted(scopes),
            created_by=by.name,
            expires_at=expires_at,
            team=team,
        )
        audit.record(by, "token.create", token, scopes=token.scopes, team=str(team or ""))
    return token, text


def token_revoke(token: ApiToken, *, by: Actor) -> None:
    """Stop a token from working, for good."""
    by.require(Capability.ADMIN)
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            raise Conflict("This token is already revoked.")
        audit.record(by, "token.revoke", token)


def token_actor(text: str, address: str) -> Actor | None:
    """The actor behind a token's text, or None if it opens nothing. From here on the request sees what the token
    does."""
    _, _, rest = text.partition("_")
    token = ApiToken.objects.filter(prefix=rest[:PREFIX_LENGTH]).first()
    now = timezone.now()
    if token is None or not hmac.compare_digest(token.digest, _digest(text)) or not token.valid_at(now):
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    teams = frozenset({token.team_id}) if settings.TEAMS and token.team_id else None
    see_as(teams)
    return Actor(token.name, "token", frozenset(Capability(scope) for scope in token.scopes), address, teams)


def _digest(text: str) -> str:
    # Not a password hasher: the text has 256 random bits, and PBKDF2 would cost 250 ms a request.
    return hashlib.sha256(text.encode()).hexdigest()
