"""One function per page: what it shows, read together."""
