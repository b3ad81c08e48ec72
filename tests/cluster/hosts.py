"""Hosts on this machine: a network namespace each, with its own name, disk and processes."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
PREFIX = "swst"
BRIDGE = f"{PREFIX}-br"
DISK = Path("/srv/sweepstake")
"""Where every host sees its own disk."""
MORTAL = ("setpriv", "--pdeathsig", "KILL")
ALONE = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A process tree of its own, which ends with its first process, and that one with this program."""
INSIDE = """\
set -e
hostname "$1"
mount --make-rprivate /
mount --bind "$2" /srv/sweepstake
mount --bind "$3" /mnt
mount -t tmpfs tmpfs /tmp
mkdir -p "$3"
mount --move /mnt "$3"
cd /srv/sweepstake
shift 3
"$@" || exit $?
"""
"""The shell stays the first process, which takes over children that have lost their parents. The
repository stays where it is, in a /tmp of the host's own as well: CI may have cloned it there."""


def ip(*arguments, check=True):
    """Run ip."""
    subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


class Host:
    """A host with an address, a disk, and the programs that run on it."""

    def __init__(self, name, number, disks):
        self.name, self.space = name, f"{PREFIX}-{number}"
        self.address, self.link = f"10.77.0.{number + 10}", f"{PREFIX}{number}"
        self.disk = disks / name
        self.disk.mkdir()
        self.processes = []

    def make(self):
        """Create the namespace and plug it into the bridge."""
        inner = f"{self.link}i"
        ip("netns", "add", self.space)
        ip("link", "add", self.link, "type", "veth", "peer", "name", inner, "netns", self.space)
        ip("link", "set", self.link, "master", BRIDGE, "up")
        ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", inner)
        for device in (inner, "lo"):
            ip("-n", self.space, "link", "set", device, "up")

    def know(self, hosts):
        """Give the host the names of all the others."""
        folder = Path("/etc/netns") / self.space
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["127.0.0.1 localhost", *(f"{each.address} {each.name}" for each in hosts)]
        (folder / "hosts").write_text("\n".join(lines) + "\n")

    def command(self, arguments):
        """The command line that runs a program on this host."""
        enter = (*MORTAL, "ip", "netns", "exec", self.space, *ALONE)
        place = (self.name, str(self.disk), str(ROOT))
        return [*enter, "sh", "-c", INSIDE, "sh", *place, *arguments]

    def start(self, arguments, environment, log):
        """Start a program that keeps running."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.command(arguments),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def run(self, arguments, environment, seconds):
        """Run a program to its end."""
        return subprocess.run(
            self.command(arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def cut(self):
        """Pull the cable."""
        ip("link", "set", self.link, "down")

    def heal(self):
        """Plug the cable in again."""
        ip("link", "set", self.link, "up")

    def signal(self, number):
        """Send a signal to every process of this host."""
        for pid in _pids(self.space).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def kill(self):
        """End every process of this host at once."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()
        while _pids(self.space):  # they are dying, and still hold ports and files
            time.sleep(0.02)


def _pids(space):
    return subprocess.run(["ip", "netns", "pids", space], capture_output=True, check=False).stdout


def make_network():
    """The bridge that all hosts are plugged into, and this program with them."""
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", "10.77.0.1/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    DISK.mkdir(parents=True, exist_ok=True)


def clear():
    """Remove every host and the bridge, also those that a killed test has left: all are empty."""
    for link in Path("/sys/class/net").glob(f"{PREFIX}*"):
        ip("link", "delete", link.name)  # at once; with its namespace it would go some time later
    done = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    names = [line.split()[0] for line in done.stdout.splitlines()]
    for name in (name for name in names if name.startswith(f"{PREFIX}-")):
        ip("netns", "delete", name, check=False)
    for folder in Path("/etc/netns").glob(f"{PREFIX}-*"):  # one may outlive its namespace
        shutil.rmtree(folder)
    with suppress(OSError):  # not there, or somebody else's
        DISK.rmdir()
