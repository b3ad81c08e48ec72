"""Hosts in namespaces: nothing of them outlives the program that made them."""

import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
from hosts import Host, clear, make_network

PROGRAM = """if True:
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from hosts import Host, clear, make_network
    clear()
    make_network()
    host = Host("one", 0, Path({folder!r}))
    host.make()
    host.know([host])
    script = "setsid sh -c 'sleep 1000; echo {mark}' & echo up; sleep 1000"
    host.start(("sh", "-c", script), dict(os.environ), Path({folder!r}, "log"))
    while "up" not in Path({folder!r}, "log").read_text():
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


def marked(mark):
    """The processes that have a mark on their command line."""
    found = (each.info["cmdline"] or () for each in psutil.process_iter(["cmdline"]))
    return [line for line in found if any(mark in word for word in line)]


def test_a_killed_test_leaves_no_process(namespaces, tmp_path):
    """Programs end with the one that started their host, also those that went their own way."""
    mark = uuid4().hex
    code = PROGRAM.format(here=str(Path(__file__).parent), folder=str(tmp_path), mark=mark)
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    deadline = time.monotonic() + 10
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    clear()
    assert (-9, []) == (done.returncode, marked(mark))


def test_a_cut_host_is_reached_again_once_it_is_healed(namespaces, tmp_path):
    """The cable carries everything or nothing."""
    clear()
    make_network()
    one, two = hosts = [Host(name, number, tmp_path) for number, name in enumerate(("a", "b"))]
    for host in hosts:
        host.make()
        host.know(hosts)
    code = "import socket; socket.create_connection(('b', 7), 1)"
    refused, gone = "ConnectionRefusedError", "TimeoutError"
    said = [_last_line(one, code)]
    two.cut()
    said.append(_last_line(one, code))
    two.heal()
    said.append(_last_line(one, code))
    clear()
    assert [] == [*Path("/sys/class/net").glob("swst*"), *Path("/etc/netns").glob("swst*")]
    assert [refused, gone, refused] == [line.partition(":")[0] for line in said]


def _last_line(host, code):
    done = host.run((sys.executable, "-c", code), {"PATH": "/usr/bin:/bin"}, 60)
    return done.stderr.splitlines()[-1]
