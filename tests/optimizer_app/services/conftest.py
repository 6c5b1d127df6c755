"""What only PostgreSQL has is collected where the tests run on it."""

import os

collect_ignore = [] if os.environ.get("DATABASE_URL", "").startswith("postgres") else ["test_partitions.py"]
