"""`manage.py demo_loop`: the whole loop, while you watch it in the browser."""

import http.server
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from analytics.models import Incident, TriggerDecision
from analytics.services.deliveries import deliveries_send
from analytics.services.explanations import incident_explain
from analytics.services.gates import gates_look, incidents_supersede
from analytics.services.loop_demo import Loop
from analytics.services.stats import stats_absorb
from analytics.services.triggers import triggers_look
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Run
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.versions import version_promote

PATIENCE_S = 180
CALLS = 700
STEP = 60


class Command(BaseCommand):
    """Beside a running `start`, whose processes do the work; or alone with --alone."""

    help = "Play traffic, a world that changes, the alarm, the run, the gate, the promotion and the recovery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hopeless", action="store_true", help="The story in which optimizing does not help.")
        parser.add_argument("--alone", action="store_true", help="Do what the processes of `start` would do.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.alone = options["alone"]
        self.sink = _Sink(self.stdout.write)
        try:
            self._play(Loop(f"Loop {timezone.now():%m-%d %H:%M:%S}", hopeless=options["hopeless"]))
        finally:
            self.sink.stop()

    def _play(self, loop: Loop) -> None:
        self._begin(loop)
        self.stdout.write("2. The world changes: people write about new things.")
        loop.correct()
        incident = self._until_noticed(loop)
        self.stdout.write(f"3. {incident} is open: {incident.signal} fell.")
        verdict = self._until_judged(loop)
        share = loop.call(CALLS, changed=True)
        self.stdout.write(f"6. Now {100 * share:.0f} % are right.")
        if verdict.outcome == TriggerDecision.Outcome.PROMOTED:
            closed = Incident.objects.filter(pk=incident.pk, status=Incident.Status.RESOLVED)
            self._wait("the end of the incident", closed.exists)
            self.stdout.write(f"7. {incident} is resolved. What it was worth: /workers/{loop.worker.pk}/value/")
        else:
            self.stdout.write(f"7. {incident} stays open for a person: /incidents/{incident.pk}/")
        self._wait("a message", lambda: bool(self.sink.titles))

    def _begin(self, loop: Loop) -> None:
        """The worker as it does well."""
        first = loop.prepare(self.sink.url)
        self.stdout.write(f"Worker “{loop.worker.name}”: watch it at /workers/{loop.worker.pk}/trends/")
        self._wait("the first run", lambda: Run.objects.get(pk=first.pk).ended)
        winner = Run.objects.select_related("winner").get(pk=first.pk).winner
        if winner is None:
            raise CommandError("The first run found nothing; the story cannot begin.")
        version_promote(winner, by=SYSTEM, reason="First result")
        self.stdout.write(f"1. Version {winner.number} answers: {100 * loop.call(CALLS, changed=False):.0f} % right.")

    def _until_judged(self, loop: Loop) -> TriggerDecision:
        """The run that starts by itself, until its gate has decided."""
        decided = TriggerDecision.objects.filter(worker=loop.worker)
        self._wait("a run", lambda: decided.filter(outcome="started").exists())
        run = decided.get(outcome="started").run
        assert run
        self.stdout.write(f"4. {run} was started by itself, on {run.dataset_version}.")
        self._wait("its gate", lambda: decided.filter(event=f"gate-{run.pk}").exists())
        verdict = decided.get(event=f"gate-{run.pk}")
        self.stdout.write(f"5. {verdict.get_outcome_display()}. {verdict.why}")
        return verdict

    def _until_noticed(self, loop: Loop) -> Incident:
        unresolved = Incident.objects.filter(worker=loop.worker, signal="score")
        for _ in range(CALLS // STEP):
            loop.call(STEP, changed=True)
            if self.alone:
                self._upkeep()
            else:
                time.sleep(2)
            if found := unresolved.first():
                return found
        self._wait("an alarm", unresolved.exists)
        return unresolved[0]

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > until:
                raise CommandError(f"Waited {PATIENCE_S} s for {what}. Is `manage.py start` running? Or use --alone.")
            if self.alone:
                self._upkeep()
            else:
                time.sleep(1)

    def _upkeep(self) -> None:
        stats_absorb()
        for incident in Incident.objects.filter(causes=[]):
            incident_explain(incident.pk)
        triggers_look()
        for run in Run.objects.filter(status=Run.Status.QUEUED):
            run_execute(run.pk)
        gates_look()
        incidents_supersede()
        deliveries_send()


class _Sink:
    """A receiver of webhooks on this machine that prints what it is told."""

    def __init__(self, say: Callable[[str], Any]) -> None:
        self.titles = titles = list[str]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                titles.append(told["title"])
                say(f"   Webhook: {told['title']}. {told['text']}")
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
