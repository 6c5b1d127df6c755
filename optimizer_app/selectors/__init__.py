"""One function per thing read; what belongs together is fetched together here."""
