"""A pool of processes that is empty while there is nothing to do."""

from typing import Any

from celery.worker.autoscale import Autoscaler


class PoolFromNothing(Autoscaler):
    """Celery counts a message only after it asked whether to grow, and where it has an event loop (Redis, RabbitMQ) it
    asks again 30 s later: with no process at all the first run would wait so long."""

    def maybe_scale(self, req: Any = None) -> None:
        if req is not None and not self.processes:
            self.scale_up(1)
            self.pool.maintain_pool()
        super().maybe_scale(req)
