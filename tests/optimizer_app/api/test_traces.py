"""OTLP: a DSPy program instrumented by OpenInference, unchanged, shows up as executions."""

import gzip
import json
import subprocess
import sys
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, Worker
from optimizer_app.services.tokens import token_create
from tests.optimizer_app.engine.loopback import serving

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def token(db: None) -> str:
    return token_create(by=SYSTEM, name="otel", scopes=["record"])[1]


# In a process of its own: when the instrumentor is taken off again, DSPy has lost its callbacks.
PROGRAM = """
import sys
import dspy
from openinference.instrumentation.dspy import DSPyInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

server, token, model = sys.argv[1:]
exporter = OTLPSpanExporter(f"{server}/v1/traces", headers={"Authorization": f"Bearer {token}"})
provider = TracerProvider(resource=Resource.create({"service.name": "bot"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
DSPyInstrumentor().instrument(tracer_provider=provider)

class Route(dspy.Signature):
    "Choose the team for the message."
    message: str = dspy.InputField()
    team: str = dspy.OutputField()

class Bot(dspy.Module):
    def __init__(self):
        super().__init__()
        self.think = dspy.ChainOfThought(Route)

    def forward(self, message):
        if message == "break":
            raise LookupError("no such order")
        return self.think(message=message)

dspy.configure(lm=dspy.LM("openai/quick", api_base=model, api_key="k", cache=False))
dspy.Predict(Route)(message="mail a@b.example")
bot = Bot()
bot(message="there")
try:
    bot(message="break")
except LookupError:
    pass
provider.shutdown()
"""


def test_an_instrumented_program_shows_up_unchanged(live_server: LiveServer, token: str) -> None:
    with serving() as model:
        command = [sys.executable, "-c", PROGRAM, live_server.url, token, model.url]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    assert set(Worker.objects.values_list("name", flat=True)) == {"bot: Route", "bot: Bot"}
    predict = Execution.objects.get(worker__name="bot: Route")
    assert predict.content.inputs == {"message": "mail [EMAIL_1]"}
    assert set(predict.content.outputs) == {"team"}
    assert predict.model == "openai/quick"
    broken = Execution.objects.get(worker__name="bot: Bot", success=False)
    assert (broken.error_kind, broken.content.inputs) == ("LookupError", {"message": "break"})
    assert Execution.objects.count() == 3


def span(name: str, span_id: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    def value(given: Any) -> dict[str, Any]:
        return {"intValue": str(given)} if isinstance(given, int) else {"stringValue": str(given)}

    now = time.time_ns()
    return {
        "traceId": "aa" * 16, "spanId": span_id, "parentSpanId": parent, "name": name,
        "startTimeUnixNano": str(now - 5_000_000), "endTimeUnixNano": str(now),
        "attributes": [{"key": key.replace("__", "."), "value": value(given)} for key, given in attributes.items()],
    }  # fmt: skip


def send(token: str, *spans: dict[str, Any], **headers: str) -> Any:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}
    raw = json.dumps(body).encode()
    client = Client(headers={"Authorization": f"Bearer {token}"})
    return client.post("/v1/traces", raw, content_type="application/json", headers=headers or None)


LLM = {"llm__model_name": "gpt", "llm__token_count__prompt": 100, "llm__token_count__completion": 7}


def test_parts_of_a_trace_arrive_in_any_order_and_twice(token: str) -> None:
    root = span("Answer.forward", "01" * 8, input__value='{"question": "why"}', output__value="because")
    first, second = span("LM", "02" * 8, "01" * 8, **LLM), span("LM", "03" * 8, "01" * 8, **LLM)

    for part in ((first,), (first,), (root,), (root, first), (second,), (second,)):
        assert send(token, *part).json() == {}

    stored = Execution.objects.get()
    assert (stored.tokens_in, stored.tokens_out, stored.cost_usd, stored.model) == (200, 14, None, "gpt")
    assert (stored.content.inputs, stored.content.outputs) == ({"question": "why"}, {"output": "because"})
    assert stored.worker.name == "shop: Answer"


def test_what_is_no_export_is_refused_with_the_reason(token: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    for body, kind, status in (
        (b"{", "application/json", 400),
        (b'{"resourceSpans": [7]}', "application/json", 400),
        (b"\xff\xff\xff", "application/x-protobuf", 400),
        (b"", "text/plain", 400),
    ):
        response = client.post("/v1/traces", body, content_type=kind)
        assert (response.status_code, bool(response.json()["detail"])) == (status, True)
    broken = span("A", "05" * 8) | {"startTimeUnixNano": str(2**63)}
    assert send(token, broken).json()["partialSuccess"]["rejectedSpans"] == "1"
    assert Client().post("/v1/traces", b"", content_type="application/json").status_code == 401
    _, reader = token_create(by=SYSTEM, name="r", scopes=["read"])
    assert send(reader).status_code == 403
    packed = gzip.compress(b'{"resourceSpans": []}')
    answer = client.post("/v1/traces", packed, content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 200
