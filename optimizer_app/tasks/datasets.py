"""Tasks about datasets and their review queues."""

from celery import shared_task

from optimizer_app import jobs
from optimizer_app.services import imports, quality, review


@shared_task(name=jobs.REVIEW_SUGGEST)
def review_suggest(dataset_id: int, model_id: int) -> None:
    """Let a language model propose answers for what waits in a queue."""
    review.suggestions_make(dataset_id, model_id)


@shared_task(name=jobs.DATASET_IMPORT)
def dataset_import(import_id: int) -> None:
    """Take a large file into its dataset."""
    imports.import_run(import_id)


@shared_task(name=jobs.QUALITY)
def dataset_quality(dataset_id: int) -> None:
    """Make the quality report of a dataset."""
    quality.quality_make(dataset_id)
