"""Names of the background jobs; nothing else, so that services can enqueue without importing tasks."""

RUN_EXECUTE = "optimizer_app.run_execute"
FOLLOW_UP = "optimizer_app.follow_up"
TICK = "optimizer_app.tick"
