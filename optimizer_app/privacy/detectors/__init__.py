"""One module per family of personal data; each yields spans of a text."""
