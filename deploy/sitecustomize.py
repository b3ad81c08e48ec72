"""Secrets, which Docker hands over as files, become variables: Python imports this at each start.

So every program of the image knows them, also those that `docker compose exec` and health checks
start, and `docker inspect` shows none. A variable that is set already stays.
"""

import os
from pathlib import Path

for file in Path("/run/secrets").glob("*"):
    os.environ.setdefault(file.name, file.read_text(encoding="utf-8").rstrip("\n"))
