"""The only place that knows DSPy. Plain data in, plain data out: no Django, no Celery."""
