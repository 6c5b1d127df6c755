"""Put notes on the axis of time."""

from datetime import datetime

from django.db import transaction

from analytics.models import Note
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit

LONGEST = 200


def note_add(worker: Worker | None, *, by: Actor, at: datetime, text: str) -> Note:
    """A note on one worker's charts, or on all."""
    by.require(Capability.OPERATE)
    if worker is None:
        by.require_sight_of_all()
    text = text.strip()
    if not 0 < len(text) <= LONGEST or "\0" in text:
        raise Refused(fields={"text": [f"1 to {LONGEST} characters."]})
    with transaction.atomic():
        note = Note.objects.create(worker=worker, at=at, text=text, by=by.name)
        audit.record(by, "note.add", note, worker=worker.name if worker else "all")
    return note


def note_remove(note: Note, *, by: Actor) -> None:
    """Take a note away."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        audit.record(by, "note.remove", note, text=note.text)
        note.delete()
