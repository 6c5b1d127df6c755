"""Forms: what the browser may send. Changes themselves are services."""
