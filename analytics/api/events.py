"""What happened, for programs that follow it: runs, versions and incidents, in the order of the audit chain."""

from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from analytics.selectors.news import TOPICS, events_after, seen_among
from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.common.problems import Refused

router = Router(tags=["events"])
MOST = 200
LARGEST = 2**63 - 1


class EventsIn(Schema):
    after: int = Field(0, ge=0, le=LARGEST, description="The number of the last event that was seen.")
    topics: str = Field(",".join(TOPICS), description="Separated by commas.")
    limit: int = Field(100, ge=1, le=MOST)


class EventOut(Schema):
    number: int
    at: str
    verb: str
    actor: str
    object_type: str
    object_id: str
    object_name: str
    data: dict[str, Any]


class EventsOut(Schema):
    events: list[EventOut]
    next: int = Field(description="Ask for what comes after this number.")


@router.get("", response=EventsOut, operation_id="events_list", summary="Follow what happens")
def events_list(request: HttpRequest, asked: Query[EventsIn]) -> dict[str, Any]:
    """None is missed and none comes twice where each call asks for what is after `next` of the one before."""
    caller(request).require(Capability.READ)
    topics = [topic.strip() for topic in asked.topics.split(",")]
    if unknown := [topic for topic in topics if topic not in TOPICS]:
        raise Refused(fields={"topics": [f"There is no topic “{unknown[0][:50]}”; there are {', '.join(TOPICS)}."]})
    found = list(events_after(asked.after, topics)[: asked.limit])
    return {"events": seen_among(found), "next": found[-1].number if found else asked.after}
