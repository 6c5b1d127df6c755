"""One function per change to what was measured."""
