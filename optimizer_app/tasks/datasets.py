"""Tasks about datasets and their review queues."""

from celery import shared_task

from optimizer_app import jobs
from optimizer_app.services import review


@shared_task(name=jobs.REVIEW_SUGGEST)
def review_suggest(dataset_id: int, model_id: int) -> None:
    """Let a language model propose answers for what waits in a queue."""
    review.suggestions_make(dataset_id, model_id)
