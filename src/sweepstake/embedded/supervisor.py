"""Supervisor: supervisord, which starts the programs again when they die, and its client."""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sweepstake.embedded.layout import write_private
from sweepstake.embedded.processes import MARK
from sweepstake.errors import SettingsError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.programs import Program

LONGEST_SOCKET_PATH = 100
"""A Unix socket's path holds at most 104 bytes on macOS, 108 on Linux."""

STEADY_SECONDS = 20
"""A program that dies sooner after its start waits a second longer before each next one."""

HEAD = """\
[supervisord]
logfile = {logs}/supervisord.log
logfile_maxbytes = 2MB
logfile_backups = 1
pidfile = {run}/supervisord.pid
directory = {run}
umask = 077
{user}
[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command = {command}
autostart = false
autorestart = true
startsecs = {steady}
startretries = 1000000
stopsignal = {stop_signal}
stopasgroup = {whole_group}
killasgroup = {whole_group}
stopwaitsecs = 15
redirect_stderr = true
stdout_logfile = {logs}/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""


def render(programs: Sequence[Program], logs: Path, run: Path, socket: Path) -> str:
    """The text of its configuration; nothing starts until it is told to, and nothing gives up."""
    head = HEAD.format(
        logs=logs,
        run=run,
        socket=socket,
        user="user = root\n" if os.geteuid() == 0 else "",
    )
    return head + "".join(_render_program(program, logs) for program in programs)


def launch(layout: Layout, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
    """Start supervisord as a daemon of its own session; it returns when its socket answers.

    Raises:
        StackError: it did not start.
    """
    text = render(programs, layout.logs, layout.run, _make_socket(layout.home))
    write_private(_configuration(layout), text)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(_configuration(layout))]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    if done.returncode:
        message = f"supervisord: must start, but failed: {done.stderr.strip() or done.stdout}"
        raise StackError(message)


def daemon(layout: Layout) -> psutil.Process | None:
    """The running supervisord of this stack: its pid file names it and it carries our mark."""
    try:
        pid = int((layout.run / "supervisord.pid").read_text(encoding="utf-8"))
        process = psutil.Process(pid)
        ours = process.environ().get(MARK) == str(layout.home)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if ours else None


def start(layout: Layout, names: Sequence[str]) -> None:
    """Start those of the programs that do not run."""
    with _client(layout) as client:
        for name in names:
            if client.getProcessInfo(name)["statename"] in {"STOPPED", "EXITED", "FATAL"}:
                client.startProcess(name, False)  # noqa: FBT003 - XML-RPC names no arguments


def stop(layout: Layout, names: Sequence[str]) -> None:
    """Tell programs to stop, without waiting."""
    with _client(layout) as client:
        for name in names:
            if client.getProcessInfo(name)["statename"] in {"STARTING", "RUNNING", "BACKOFF"}:
                client.stopProcess(name, False)  # noqa: FBT003 - XML-RPC names no arguments


def shutdown(layout: Layout) -> None:
    """End supervisord and whatever it still runs, without waiting."""
    with _client(layout) as client:
        client.shutdown()


def describe(layout: Layout) -> dict[str, dict[str, Any]]:
    """What supervisord knows of each program: statename, pid, start and now in epoch seconds."""
    with _client(layout) as client:
        return {info["name"]: info for info in client.getAllProcessInfo()}


def restarts(layout: Layout) -> dict[str, int]:
    """How often each program was started again since supervisord started, from its own log."""
    log = layout.logs / "supervisord.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return count_restarts(text)


def count_restarts(text: str) -> dict[str, int]:
    """Starts beyond the first of each program, in the log's part since the last daemon start."""
    _, _, current = text.rpartition("supervisord started with pid")
    names: list[str] = re.findall(r"spawned: '([\w-]+)' with pid", current)
    return {name: names.count(name) - 1 for name in set(names)}


def remove_socket(layout: Layout) -> None:
    """Remove the private folder of the socket, which lies outside the state folder."""
    socket = _socket(layout)
    if socket is not None:
        socket.unlink(missing_ok=True)
        if socket.parent.is_dir():
            socket.parent.rmdir()


def _render_program(program: Program, logs: Path) -> str:
    return PROGRAM.format(
        name=program.name,
        command=shlex.join(program.command).replace("%", "%%"),  # it expands %(name)s
        steady=STEADY_SECONDS,
        stop_signal=program.stop_signal,
        whole_group=str(program.whole_group).lower(),
        logs=logs,
    )


def _configuration(layout: Layout) -> Path:
    return layout.run / "supervisord.conf"


def _make_socket(home: Path) -> Path:
    """A short path for the socket in a private folder named after ``home``.

    Raises:
        StackError: the folder belongs to somebody else.
        SettingsError: the folder for temporary files has too long a name.
    """
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"sweepstake-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or folder.is_symlink():
        message = f"{folder}: must be a private folder of this user, but is not. Remove it."
        raise StackError(message)
    socket = folder / "socket"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        message = f"TMPDIR: must be a short path, but got {str(folder.parent)!r}. Set it to /tmp."
        raise SettingsError(message)
    return socket


def _socket(layout: Layout) -> Path | None:
    """The socket of the last start, from its configuration."""
    parser = configparser.RawConfigParser()
    if not parser.read(_configuration(layout)):
        return None
    return Path(parser.get("unix_http_server", "file"))


@contextmanager
def _client(layout: Layout) -> Iterator[Any]:
    """The XML-RPC interface of supervisord; on its private socket only our own daemon answers.

    Raises:
        StackError: it does not answer.
    """
    from xmlrpc.client import ServerProxy  # nosec B411

    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, f"unix://{_socket(layout)}")
    try:
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            yield proxy.supervisor
    except OSError as error:
        message = f"supervisord: must answer, but did not: {error}. Run sweepstake down, then up."
        raise StackError(message) from error
