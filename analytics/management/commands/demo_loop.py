"""`manage.py demo_loop`: the whole loop, while you watch it in the browser."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from analytics.management.sinks import MailSink, WebhookSink
from analytics.models import Incident, TriggerDecision
from analytics.services.canaries import canaries_look
from analytics.services.deliveries import deliveries_send
from analytics.services.explanations import incident_explain
from analytics.services.gates import gates_look, incidents_supersede
from analytics.services.loop_demo import Loop
from analytics.services.stats import stats_absorb
from analytics.services.triggers import triggers_look
from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Canary, Run
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
        parser.add_argument("--mail", action="store_true", help="Be the mail server of UPLIFT_SMTP_HOST and _PORT too.")
        parser.add_argument("--alone", action="store_true", help="Do what the processes of `start` would do.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.alone = options["alone"]
        with ExitStack() as stack:
            self.sink = WebhookSink(self.stdout.write)
            stack.callback(self.sink.stop)
            self.mail = self._mail() if options["mail"] else None
            if self.mail:
                stack.callback(self.mail.stop)
            self._play(Loop(f"Loop {timezone.now():%m-%d %H:%M:%S}", hopeless=options["hopeless"]))

    def _mail(self) -> MailSink:
        host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
        try:
            return MailSink(host or "127.0.0.1", port, self.stdout.write)
        except OSError as error:
            wanted = "UPLIFT_SMTP_HOST=127.0.0.1, UPLIFT_SMTP_PORT=2525 and UPLIFT_SMTP_TLS=0, here and at start"
            raise CommandError(f"No mail server can be played at {host}:{port} ({error}). Set {wanted}.") from None

    def _play(self, loop: Loop) -> None:
        self._begin(loop)
        self.stdout.write("2. The world changes: people write about new things.")
        loop.correct()
        incident = self._until_noticed(loop)
        self.stdout.write(f"3. {incident} is open: {incident.signal} fell.")
        verdict = self._until_judged(loop)
        if verdict.outcome == TriggerDecision.Outcome.ON_TRIAL:
            self._until_decided(loop)
            share = loop.call(CALLS, changed=True)
            self.stdout.write(f"7. Now {100 * share:.0f} % are right.")
            closed = Incident.objects.filter(pk=incident.pk, status=Incident.Status.RESOLVED)
            self._wait("the end of the incident", closed.exists)
            self.stdout.write(f"8. {incident} is resolved. What it was worth: /workers/{loop.worker.pk}/value/")
        else:
            self.stdout.write(f"6. {incident} stays open for a person: /incidents/{incident.pk}/")
        self._wait("a message", lambda: bool(self.sink.titles))
        if self.mail:
            self._wait("a mail", lambda: bool(self.mail and self.mail.subjects))

    def _begin(self, loop: Loop) -> None:
        """The worker as it does well."""
        first = loop.prepare(self.sink.url, mail=self.mail is not None)
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

    def _until_decided(self, loop: Loop) -> None:
        """Calls of both versions, until the trial has ended."""
        self.stdout.write(f"   Both answer now: /workers/{loop.worker.pk}/canary/")
        canary = loop.worker.canaries.all()[0]
        loop.catch_up()
        for _ in range(CALLS // STEP):
            loop.call(STEP, changed=True)
            self._go_on()
            canary.refresh_from_db()
            if canary.ended_at:
                break
        ended = Canary.objects.filter(pk=canary.pk, ended_at__isnull=False)
        self._wait("the end of the trial", ended.exists)
        canary.refresh_from_db()
        self.stdout.write(f"6. {canary.get_status_display()}. {canary.why}")

    def _until_noticed(self, loop: Loop) -> Incident:
        unresolved = Incident.objects.filter(worker=loop.worker, signal="score")
        for _ in range(CALLS // STEP):
            loop.call(STEP, changed=True)
            self._go_on()
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

    def _go_on(self) -> None:
        if self.alone:
            self._upkeep()
        else:
            time.sleep(2)

    def _upkeep(self) -> None:
        stats_absorb()
        for incident in Incident.objects.filter(causes=[]):
            incident_explain(incident.pk)
        triggers_look()
        for run in Run.objects.filter(status=Run.Status.QUEUED):
            run_execute(run.pk)
        gates_look()
        canaries_look()
        incidents_supersede()
        deliveries_send()
