"""One function per change: checked, audited, in one transaction. Views, API, tasks and commands call these."""
