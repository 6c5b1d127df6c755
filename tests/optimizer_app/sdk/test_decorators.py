"""Decorated workers against a real server: registered, recorded, and running the version that is active."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import dspy
import pytest

from optimizer_app import sdk
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, Feedback, ProgramVersion, Worker
from optimizer_app.sdk.arms import in_canary
from optimizer_app.sdk.registry import Registry
from optimizer_app.services.canaries import canary_end, canary_start
from optimizer_app.services.versions import version_promote
from optimizer_app.services.workers import fingerprint
from tests.factories.workers import routing_worker
from tests.optimizer_app.engine.loopback import Server

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
Connect = Callable[..., sdk.Collector]
Team = Literal["K1", "K2", "K3"]


def route_worker(**options: Any) -> Any:
    @sdk.dspy_worker_optimized("Route", **options)
    class Route(dspy.Signature):
        """Choose the team for the message."""

        message: str = dspy.InputField()
        team: Team = dspy.OutputField(desc="Who answers")

    return Route


def improved(worker: Worker, instructions: str = "Say K2.") -> ProgramVersion:
    """A version 1 that says something else."""
    state = {"answer": {"instructions": instructions, "demos": [{"message": "hello", "team": "K2"}]}}
    return ProgramVersion.objects.create(
        worker=worker, number=1, state=state, fingerprint=fingerprint(worker.spec(), state), created_by="test"
    )


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_a_signature_registers_its_worker_and_every_call_is_recorded(connect: Connect, model: Server) -> None:
    to = connect()
    route = route_worker(optimizer="GEPA", auto="light")

    with sdk.about(subject="customer 7", trace_id="trace-9", metadata={"tenant": "north"}):
        answer = route(message="my parcel is late, mail a@b.example")
    assert to.flush()

    worker = Worker.objects.get(name="Route")
    stored = Execution.objects.get()
    assert [field.name for field in worker.spec().outputs] == ["team"]
    assert worker.spec().outputs[0].options == ("K1", "K2", "K3")
    assert worker.optimization == {"optimizer": "GEPA", "parameters": {"auto": "light"}, "trigger": "manual"}
    assert worker.rules.get().needs_review
    assert stored.uid == sdk.last_execution()
    assert stored.content.outputs == {"team": answer.team}
    assert stored.content.inputs == {"message": "my parcel is late, mail [EMAIL_1]"}
    assert (stored.tokens_in, stored.tokens_out, stored.model) == (100, 10, "openai/quick")
    assert (stored.trace_id, stored.metadata, bool(stored.subject)) == ("trace-9", {"tenant": "north"}, True)
    assert stored.latency_ms


def test_a_promoted_version_answers_without_restart_and_outlives_the_server(connect: Connect, model: Server) -> None:
    to = connect()
    route = route_worker()
    route(message="first")
    until(lambda: route.care.active.current.number == 0)
    version = improved(Worker.objects.get(name="Route"))
    version_promote(version, by=SYSTEM)
    until(lambda: route.care.active.current.number == 1)
    route(message="second")
    assert to.flush()
    assert sorted(Execution.objects.values_list("version__number", flat=True), key=str) == [1, None]

    connect(url="http://127.0.0.1:9")  # nobody answers there, and the folder is the same
    again = route_worker()
    again(message="third")
    assert again.care.active.current.number == 1
    assert "Say K2." in str(again.care.active.current.module.steps["answer"].signature.instructions)


def test_feedback_reaches_the_execution(connect: Connect, model: Server) -> None:
    to = connect()
    route = route_worker()
    route(message="hello")
    uid = sdk.last_execution()
    assert uid is not None
    sdk.feedback(uid, score=0.25, corrected_output={"team": "K2"}, comment="wrong team", given_by="user 5")
    assert to.flush()

    said = Feedback.objects.get()
    assert (said.score, said.corrected, said.comment, said.given_by) == (0.25, {"team": "K2"}, "wrong team", "user 5")
    with pytest.raises(ValueError, match="between 0 and 1"):
        sdk.feedback(uid, score=7)


def test_functions_get_the_program_and_keep_their_body(connect: Connect, model: Server) -> None:
    to = connect()

    @sdk.dspy_worker_optimized("Shout", signature="message -> team")
    def shout(program: Any, message: str) -> str:
        return str(program(message=message).team).upper()

    @sdk.dspy_worker("Plain")
    async def plain(message: str) -> Team:
        await asyncio.sleep(0)
        return "K3"

    assert shout("hello").isupper() or shout("hello") == ""
    with ThreadPoolExecutor(1) as aside:  # the browser of other tests may keep a loop running in this thread
        assert aside.submit(lambda: asyncio.run(plain("x"))).result() == "K3"
    assert to.flush()
    assert Worker.objects.get(name="Plain").spec().outputs[0].options == ("K1", "K2", "K3")
    recorded = Execution.objects.get(worker__name="Plain")
    assert (recorded.content.inputs, recorded.content.outputs) == ({"message": "x"}, {"result": "K3"})
    with pytest.raises(TypeError, match="parameter `program`"):
        sdk.dspy_worker_optimized("Bad", signature="a -> b")(lambda a: a)


def test_plain_workers_become_optimized_ones_unchanged(connect: Connect, model: Server, registry: Registry) -> None:
    to = connect()
    fields: dict[str, Any] = {"inputs": [{"name": "message"}], "outputs": [{"name": "team"}]}

    def declare(decorator: Any, name: str) -> Any:
        @decorator(name, metric="Exact match", **fields)
        class Triage(dspy.Module):
            """Sorts messages."""

            def __init__(self) -> None:
                super().__init__()
                self.first = dspy.Predict("message -> gist")
                self.second = dspy.Predict("gist -> team")

            def forward(self, message: str) -> dspy.Prediction:
                return self.second(gist=self.first(message=message).gist)

        return Triage

    for decorator, name in ((sdk.dspy_worker, "Plain triage"), (sdk.dspy_worker_optimized, "Triage")):
        made = declare(decorator, name)
        module = made()
        assert isinstance(module, dspy.Module)
        assert (made.__name__, [name for name, _ in module.named_predictors()]) == ("Triage", ["first", "second"])
        answer = module(message="hello")
        acalled = asyncio.run(module.acall(message="hello")) if hasattr(module, "aforward") else answer
        assert set(acalled.keys()) == {"team"}
        assert registry.workers[name].make is not made  # what is optimized here is not recorded
    assert to.flush()
    assert Execution.objects.filter(worker__name="Triage").count() == 1
    assert Execution.objects.get(worker__name="Triage").tokens_in == 200  # both predictors


def test_a_module_follows_the_active_version(connect: Connect, model: Server) -> None:
    connect()

    @sdk.dspy_worker_optimized("Module")
    class Single(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.choose = dspy.ChainOfThought("message -> team")

        def forward(self, message: str) -> Any:
            return self.choose(message=message)

    module = Single()
    module(message="x")
    until(lambda: Worker.objects.filter(name="Module").exists())
    assert Worker.objects.get(name="Module").spec().steps[0].module == "ChainOfThought"
    version_promote(improved(Worker.objects.get(name="Module")), by=SYSTEM)
    until(lambda: Single.care.active.current.number == 1)
    module(message="x")
    predictor = dict(module.named_predictors())["choose.predict"]
    assert (predictor.signature.instructions, len(predictor.demos)) == ("Say K2.", 1)


def test_errors_are_recorded_and_reach_the_caller(connect: Connect) -> None:
    to = connect()

    @sdk.dspy_worker("Broken")
    def broken(message: str) -> str:
        raise LookupError("no such order")

    with pytest.raises(LookupError):
        broken("x")
    assert to.flush()
    stored = Execution.objects.get()
    assert (stored.success, stored.error_kind, stored.content.error) == (False, "LookupError", "no such order")


def test_another_worker_of_that_name_is_not_overwritten(connect: Connect, model: Server, caplog: Any) -> None:
    worker = routing_worker(name="Taken")
    to = connect()

    @sdk.dspy_worker("Taken", signature="question -> reply")
    def other(program: Any, question: str) -> str:
        return str(program(question=question).reply)

    other("x")
    until(lambda: "cannot run here" in caplog.text)
    assert other("y")  # its own program goes on answering
    assert to.flush()
    assert "Give the code's worker another name" in caplog.text
    worker.refresh_from_db()
    assert [field.name for field in worker.spec().inputs] == ["message"]


def test_a_wrong_address_does_not_stop_the_worker(caplog: Any, monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for variables in (
        {"UPLIFT_URL": "nonsense"},
        {"UPLIFT_URL": "http://127.0.0.1:9", "UPLIFT_SPOOL_DIR": str(tmp_path / "file")},
    ):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

        @sdk.dspy_worker("Stubborn")
        def stubborn(message: str) -> str:
            return message

        assert stubborn("a") == "a"
    assert caplog.text.count("cannot be recorded") == 2


def test_without_a_place_to_send_to_the_worker_works_and_says_so_once(caplog: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("UPLIFT_URL", raising=False)

    @sdk.dspy_worker("Alone")
    def alone(message: str) -> str:
        return message

    assert [alone("a"), alone("b")] == ["a", "b"]
    assert caplog.text.count("executions are not recorded") == 1


def test_a_canary_answers_its_share_and_a_subject_stays_with_one_version(connect: Connect, model: Server) -> None:
    to = connect()
    route = route_worker()
    route(message="hello")
    assert to.flush()
    worker = Worker.objects.get(name="Route")
    version = improved(worker)
    canary = canary_start(version, by=SYSTEM, share=0.5)
    until(lambda: route.care.active.canary is not None)

    for number in range(40):
        with sdk.about(subject=f"customer {number % 20}"):
            route(message=f"hello {number}")
    assert to.flush()

    told = Execution.objects.exclude(subject="").values_list("subject", "version__number")
    versions: dict[str, set[int]] = {}
    for subject, number in told:
        versions.setdefault(subject, set()).add(number)
    assert len(versions) == 20
    assert all(len(numbers) == 1 for numbers in versions.values())
    assert {1 if in_canary(canary.pk, 0.5, f"customer {n}") else 0 for n in range(20)} == {0, 1}
    canary_end(canary, by=SYSTEM, status="stopped", why="seen")
    until(lambda: route.care.active.canary is None)


def test_a_module_answers_the_trial_with_a_copy(connect: Connect, model: Server, registry: Registry) -> None:
    to = connect()

    @sdk.dspy_worker("Module", inputs=[{"name": "message"}], outputs=[{"name": "team"}])
    class Router(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.answer = dspy.Predict("message -> team")

        def forward(self, message: str) -> Any:
            return self.answer(message=message)

    router = Router()
    router(message="hello")
    assert to.flush()
    worker = Worker.objects.get(name="Module")
    canary_start(improved(worker, "Say K9."), by=SYSTEM, share=0.5)
    until(lambda: Router.care.active.canary is not None)
    before = router.answer.signature.instructions
    lm = dspy.settings.lm

    def call(number: int) -> None:
        with dspy.context(lm=lm):
            router(message=f"hello {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(40)))
    assert to.flush()
    assert router.answer.signature.instructions == before
    assert set(Execution.objects.values_list("version__number", flat=True)) >= {0, 1}
    said = [str(entry["messages"]) for entry in lm.history]
    assert 5 <= sum("Say K9." in text for text in said) <= 35
