"""The SDK's other side where worker and Uplift live in one process: no HTTP, the same services."""

from typing import Any

from django.db import DatabaseError, close_old_connections

from optimizer_app.common.access import ROLES, Actor
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.sdk.payload import ExecutionRecord, FeedbackRecord
from optimizer_app.sdk.transports import Kind, RefusedError, Registration, UnavailableError
from optimizer_app.selectors.versions import active_version
from optimizer_app.services.executions import executions_record
from optimizer_app.services.feedback import feedback_record
from optimizer_app.services.ingest import rows_of
from optimizer_app.services.registration import worker_register

CODE = Actor(name="code", kind="script", capabilities=ROLES["operator"])


class InProcessTransport:
    """`sdk.configure(transport=InProcessTransport())`, after Django is set up."""

    def send(self, kind: Kind, lines: list[bytes]) -> list[str]:
        raw = b"\n".join(lines)
        try:
            if kind == "executions":
                rows, receipt = rows_of(raw, "application/x-ndjson", ExecutionRecord, kind)
                executions_record(rows, by=CODE, receipt=receipt)
            else:
                said, receipt = rows_of(raw, "application/x-ndjson", FeedbackRecord, kind)
                feedback_record(said, by=CODE, receipt=receipt)
        except DatabaseError as error:
            raise UnavailableError(f"the database: {error}") from None
        except Refused as refused:
            raise RefusedError(str(refused)) from None
        finally:
            close_old_connections()
        return [f"row {error.row}, id {error.id}: {error.detail}" for error in receipt.errors]

    def register(self, registration: Registration) -> None:
        try:
            worker_register(registration, by=CODE)
        except Refused as refused:
            raise RefusedError(str(refused)) from None
        except DatabaseError as error:
            raise UnavailableError(f"the database: {error}") from None
        finally:
            close_old_connections()

    def close(self) -> None:
        """Nothing is held open."""

    def active(self, name: str, known: str) -> dict[str, Any] | None:
        try:
            worker = Worker.objects.select_related("active_version").filter(name=name).first()
        except DatabaseError as error:
            raise UnavailableError(f"the database: {error}") from None
        finally:
            close_old_connections()
        if worker is None or worker.active_version is None:
            raise RefusedError(f"There is no worker called “{name}”.")
        found = active_version(worker)
        return None if found["etag"] == known else found
