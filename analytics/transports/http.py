"""By HTTP: a signed webhook, Slack and what understands it, PagerDuty's events."""

import hashlib
import hmac
import http.client
import json
import time
from typing import Any

import msgspec

from analytics.transports.messages import Message, SendError
from optimizer_app.common.outbound import AddressRefused, post

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
GONE = frozenset({400, 401, 403, 404, 410})  # the other side will not take it tomorrow either


class WebhookConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, and the key that signs."""

    url: str
    secret: str


class SlackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of an incoming webhook."""

    url: str


class PagerDutyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The integration key of an Events API v2 service; `url` only where it is not PagerDuty itself."""

    routing_key: str
    url: str = PAGERDUTY


def send_webhook(config: WebhookConfig, message: Message) -> None:
    """Send JSON with a signature over time and body; a receiver refuses old times and keys it has seen."""
    body = json.dumps({**msgspec.to_builtins(message)}, ensure_ascii=False).encode()
    moment = str(int(time.time()))
    _send(config.url, body, {
        "X-Uplift-Key": message.key, "X-Uplift-Time": moment,
        "X-Uplift-Signature": f"sha256={signature(config.secret, moment, body)}",
    })  # fmt: skip


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 of "time.body", hexadecimal."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def send_slack(config: SlackConfig, message: Message) -> None:
    """A short message that reads well on a phone."""
    facts = "\n".join(f"*{name}:* {_plain(value)}" for name, value in message.facts.items())
    link = f"\n<{message.link}|Open in Uplift>" if message.link else ""
    _send(config.url, json.dumps({"text": f"*{_plain(message.title)}*\n{facts}{link}"}).encode())


def send_pagerduty(config: PagerDutyConfig, message: Message) -> None:
    """Trigger or resolve; the incident is the deduplication key, so repetitions join it."""
    event: dict[str, Any] = {
        "routing_key": config.routing_key, "dedup_key": message.thread,
        "event_action": "resolve" if message.event == "resolved" else "trigger",
        "payload": {
            "summary": message.title[:1024], "source": "Uplift", "severity": message.severity,
            "custom_details": message.facts,
        },
    }  # fmt: skip
    if message.link:
        event["links"] = [{"href": message.link, "text": "Open in Uplift"}]
    _send(config.url, json.dumps(event).encode())


def _send(url: str, body: bytes, headers: dict[str, str] | None = None) -> None:
    try:
        answer = post(url, body, {"Content-Type": "application/json", **(headers or {})})
    except AddressRefused as refused:
        raise SendError(str(refused), permanent=True) from None
    except (OSError, http.client.HTTPException) as error:
        raise SendError(f"{type(error).__name__}: {error}") from None
    if answer.status >= 300:
        said = answer.body[:100].decode(errors="replace")
        raise SendError(f"{answer.status}: {said}", permanent=answer.status in GONE)


def _plain(text: str) -> str:
    """Without what Slack would read as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
