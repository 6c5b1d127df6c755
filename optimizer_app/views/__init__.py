"""Pages: parse, call a selector or service, render."""
