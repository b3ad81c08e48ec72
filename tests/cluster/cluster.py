"""The services of docker-compose.yml on hosts of their own, started as they need each other."""

import os
import shutil
import sys
import time
from pathlib import Path

import s3server
from composefile import read_env, read_secrets, read_services
from hosts import DISK, ROOT, Host, clear, make_network

from sweepstake.embedded import binaries, postgres

BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 300 * int(os.environ.get("SWEEPSTAKE_TEST_PATIENCE", "1"))
"""A machine that does much else at the same time needs a multiple."""
POLL_SECONDS = 0.5
DATA = f"{DISK}/data"
WORKERS = ("worker1", "worker2")
INITDB = (
    'set -e; test -e {data} || {{ printf %s "$POSTGRES_PASSWORD" > {disk}/pw; '
    '{bin}/initdb -D {data} -U "$POSTGRES_USER" --pwfile={disk}/pw --auth=scram-sha-256 '
    "--encoding=UTF8 --no-locale >/dev/null; echo 'host all all 10.77.0.0/24 scram-sha-256' "
    ">> {data}/pg_hba.conf; }}; "
    "exec {bin}/postgres -D {data} -c listen_addresses='*' -c unix_socket_directories=''"
)


class Cluster:
    """Every service of the compose file; workers as often as there are names for them.

    restarting: whether services come back by themselves, as Docker has them, or fail the test.
    """

    restarting = False

    def __init__(self, folder, env_file, s3):
        self.folder, self.s3 = folder, s3
        secrets = read_secrets(env_file.with_name("secrets"))
        self.services = read_services(ROOT / "docker-compose.yml", read_env(env_file), secrets)
        names = [name for name in self.services if name != "worker"] + list(WORKERS)
        self.hosts = {name: Host(name, number, folder) for number, name in enumerate(names)}

    def start(self):
        """Bring up every service once what it needs is there, in the compose file's words."""
        clear()
        make_network()
        for host in self.hosts.values():
            host.make()
            host.know(self.hosts.values())
            _equip(host.disk)
        postgres.ensure_user()
        shutil.chown(self.hosts["postgres"].disk, postgres.SYSTEM_USER, postgres.SYSTEM_USER)
        for name in _in_order(self.services):
            if not self.services[name].by_hand:
                self._await_needs(self.services[name])
                for host in WORKERS if name == "worker" else (name,):
                    self.launch(host)

    def launch(self, host):
        """Start a service on its host."""
        command = self._command(self.services[_kind(host)])
        self.hosts[host].start(command, self.environment(host), self.log(host))

    def run(self, host, *command):
        """Run a program on a host to its end; without one, the service's own."""
        words = command or self._command(self.services[_kind(host)])
        return self.hosts[host].run(words, self.environment(host), PATIENCE_SECONDS)

    def _command(self, service):
        """The command of the compose file; of foreign images, that of a program like theirs."""
        match service.name:
            case "postgres":
                script = INITDB.format(data=DATA, disk=DISK, bin=_postgres_programs())
                return _as_database_user("sh", "-c", script)
            case "minio":
                return s3server.command(self.s3, DISK / "s3", 9000, *self._store_keys())
            case "bucket":
                place = (service.environment["S3_BUCKET"], service.environment["S3_ENDPOINT"])
                return s3server.making(*place, *self._store_keys()[:2])
            case "redis":
                password = service.environment["REDIS_PASSWORD"]
                options = ("--appendonly", "yes", "--requirepass", password)
                return ("redis-server", *options, "--dir", str(DISK))
        return service.command

    def _store_keys(self):
        """The keys of root, writer and reader; Swift's users have an account before their names."""
        told = self.services["bucket"].environment
        root = (
            f"sweepstake:{told['MINIO_ROOT_USER']}"
            if self.s3 == "swift"
            else told["MINIO_ROOT_USER"]
        )
        others = [
            told[f"S3_{user}_{key}"]
            for user in ("WRITER", "READER")
            for key in ("ACCESS_KEY", "SECRET_KEY")
        ]
        return (root, told["MINIO_ROOT_PASSWORD"], *others)

    def _await_needs(self, service):
        for name, condition in service.needs.items():
            if condition == "service_completed_successfully":
                code = self.hosts[name].processes[0].wait(PATIENCE_SECONDS)
                assert 0 == code, self.log(name).read_text()[-3000:]
            else:
                self.await_health(name)

    def environment(self, host):
        """The environment of a service: what the compose file says, and where programs are."""
        paths = f"{DISK}/bin:{BIN}:{_postgres_programs()}:{os.environ['PATH']}"
        image = {"PATH": paths, "PYTHONPATH": f"{DISK}/deploy", "PYTHONUNBUFFERED": "1"}
        return {**image, "HOME": str(DISK), **self.services[_kind(host)].environment}

    def log(self, host):
        """The output of a service."""
        return self.folder / f"{host}.log"

    def await_health(self, *hosts, seconds=PATIENCE_SECONDS):
        """Wait until the health checks of the compose file are passed."""
        deadline = time.monotonic() + seconds
        for name in hosts:
            while not self.healthy(name):
                self.check_alive()
                assert time.monotonic() < deadline, self.log(name).read_text()[-3000:]
                time.sleep(POLL_SECONDS)

    def check_alive(self):
        """Fail with the log of a program that has ended with an error, unless it comes back."""
        for name, host in self.hosts.items():
            if self.restarting and self.services[_kind(name)].comes_back:
                self._bring_back(name)
            ended = [each.returncode for each in host.processes if each.poll()]
            assert [] == ended, f"{name}: {self.log(name).read_text()[-3000:]}"

    def _bring_back(self, name):
        """What Docker does for a container whose program has ended."""
        host = self.hosts[name]
        if host.processes and host.processes[0].poll() is not None:
            host.kill()
            self.launch(name)

    def healthy(self, host):
        """Whether a service passes its own check."""
        return self.run(host, *_check(self.services[_kind(host)])).returncode == 0

    def stop(self):
        """End everything and leave nothing."""
        for host in self.hosts.values():
            host.kill()
        clear()


def _kind(host):
    return "worker" if host in WORKERS else host


def _in_order(services):
    """The names of the services, those that others need first."""
    order = []
    while len(order) < len(services):
        order += [n for n, s in services.items() if n not in order and set(s.needs) <= set(order)]
    return order


def _equip(disk):
    """What the image and the volumes bring: the scripts, empty folders."""
    shutil.copytree(ROOT / "deploy", disk / "deploy")
    for name in ("airflow", "bin", "cache", "grids", "s3"):
        (disk / name).mkdir()
    # Debian's redis-tools has the server under another name: it is what it is called.
    (disk / "bin" / "redis-server").symlink_to(shutil.which("redis-check-rdb"))


def _as_database_user(*command):
    user = postgres.SYSTEM_USER
    options = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("setpriv", *options, *command)


def _postgres_programs():
    return binaries.reachable(postgres.package(), postgres.as_system_user())


def _check(service):
    """The compose file's own, but of foreign images whose programs are not here."""
    ports = {"minio": 9000, "redis": 6379}
    return _reaches("127.0.0.1", ports[service.name]) if service.name in ports else service.health


def _reaches(host, port):
    code = f"import socket; socket.create_connection(({host!r}, {port}), 2)"
    return (sys.executable, "-c", code)
