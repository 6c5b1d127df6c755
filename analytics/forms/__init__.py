"""Forms of the measuring pages."""
