"""Load: connections that ask one after the other, in a process of its own; prints what they met.

``python -m bench.load URL FILE CONNECTIONS SECONDS`` posts the file's JSON again and again.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

JSON = {"Content-Type": "application/json"}
OK = 200


def main() -> None:
    """BackfillRequest as the arguments say, and print the seconds that each answer took."""
    url, file, connections, seconds = sys.argv[1:]
    body, until = Path(file).read_bytes(), time.perf_counter() + float(seconds)
    began = time.perf_counter()
    with ThreadPoolExecutor(int(connections)) as pool:
        asked = [pool.submit(_ask, url, body, until) for _ in range(int(connections))]
        taken = [each for future in asked for each in future.result()]
    print(json.dumps({"seconds": time.perf_counter() - began, "taken": taken}))


def _ask(url: str, body: bytes, until: float) -> list[float]:
    """The seconds that each answer of one connection took."""
    parts = urlsplit(url)
    taken = []
    connection = HTTPConnection(parts.netloc)
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("POST", parts.path, body, JSON)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != OK:
            message = f"{url}: must answer 200, but said {answer.status}: {content[:200]!r}"
            raise RuntimeError(message)
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken


if __name__ == "__main__":
    main()
