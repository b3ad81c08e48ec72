"""Whether the program of this container works: a health check that costs a fraction of a second.

Airflow's own commands for it load all of Airflow each time: five of them keep two cores busy.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

BEAT = """
SELECT FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'
AND latest_heartbeat > now() - interval '60 seconds'
"""
ESTABLISHED = "01"
"""As the kernel writes it (include/net/tcp_states.h)."""


def beats(job: str) -> bool:
    """Whether the job of this host has lately told Airflow's database that it lives."""
    import psycopg2

    address = urlsplit(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    options = {"host": address.hostname, "port": address.port, "user": address.username}
    name = address.path.removeprefix("/")
    with closing(psycopg2.connect(dbname=name, connect_timeout=5, **options)) as connection:
        cursor = connection.cursor()
        cursor.execute(BEAT, (job, socket.gethostname()))
        return cursor.fetchone() is not None


def listens() -> bool:
    """Whether the Celery worker of this host is connected with Redis, where its tasks come from."""
    port = urlsplit(os.environ["AIRFLOW__CELERY__BROKER_URL"]).port
    texts = (table.read_text() for table in Path("/proc/net").glob("tcp*"))
    rows = (line.split() for text in texts for line in text.splitlines()[1:])
    return any(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


def main(job: str) -> int:
    """0 if it works, else 1."""
    return 0 if (listens() if job == "worker" else beats(job)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
