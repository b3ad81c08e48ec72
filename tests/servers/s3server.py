"""S3 servers for the tests: rclone, small and quick, and OpenStack Swift, as strict as Amazon's.

``python s3server.py rclone FOLDER PORT ACCESS_KEY SECRET_KEY ...`` serves until it is killed.
Swift's access keys have the form ``account:user``. There may be more users than one; each of them
may everything, as neither server knows MinIO's policies.
"""

import getpass
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
KINDS = ("account", "container", "object")
COMMON = """\
[DEFAULT]
bind_ip = {ip}
bind_port = {port}
swift_dir = {folder}
devices = {folder}/disks
mount_check = false
disable_fallocate = true
workers = 0
user = {user}
log_level = ERROR
"""
STORAGE = """\
[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """\
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth copy slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:s3api]
use = egg:swift#s3api
location = us-east-1

[filter:tempauth]
use = egg:swift#tempauth
{users}
"""
PLAIN = ("catch_errors", "copy", "gatekeeper", "listing_formats", "slo")
SECRETS = """\
[swift-hash]
swift_hash_path_prefix = {prefix}
swift_hash_path_suffix = {suffix}

[storage-policy:0]
name = one-copy
default = yes
"""


def command(kind, folder, port, *keys):
    """The command line of a server that keeps its buckets below a folder, for one user or three."""
    return (sys.executable, __file__, kind, str(folder), str(port), *keys)


def making(bucket, server, access, secret):
    """The command line that makes a bucket."""
    return (sys.executable, __file__, "bucket", bucket, server, access, secret)


def rclone(folder, port, *keys):
    """Become rclone, whose buckets are folders."""
    os.environ["RCLONE_CONFIG"] = str(folder / "rclone.conf")
    (folder / "buckets").mkdir(exist_ok=True)
    users = [f"--auth-key={access},{secret}" for access, secret in pairs(keys)]
    options = ("--addr", f":{port}", *users, str(folder / "buckets"))
    os.execv(BIN / "rclone", ("rclone", "serve", "s3", *options))


def pairs(keys):
    """Access keys with their secret keys."""
    return list(zip(keys[::2], keys[1::2], strict=True))


def swift(folder, port, *keys):
    """Run Swift: a proxy before one server each of accounts, containers and objects."""
    (folder / "disks" / "one").mkdir(parents=True, exist_ok=True)
    random = {name: secrets.token_hex(16) for name in ("prefix", "suffix")}
    (folder / "swift.conf").write_text(SECRETS.format(**random))
    ports = {kind: free_port() for kind in KINDS}
    for kind in KINDS:
        make_ring(folder, kind, ports[kind])
        write(folder, kind, "127.0.0.1", ports[kind], STORAGE.format(kind=kind))
    users = [f"user_{name.replace(':', '_')} = {secret} .admin" for name, secret in pairs(keys)]
    text = PROXY.format(users="\n".join(users))
    write(folder, "proxy", "0.0.0.0", port, text + "".join(map(plain, PLAIN)))
    for kind in KINDS:
        serve(folder, kind)
    while not all(map(listens, ports.values())):
        time.sleep(0.05)
    sys.exit(serve(folder, "proxy").wait())


def make_bucket(bucket, server, access, secret):
    """Make a bucket."""
    import boto3

    keys = {"aws_access_key_id": access, "aws_secret_access_key": secret}
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", **keys)
    client.create_bucket(Bucket=bucket)


def free_port():
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Whether something does, on this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def make_ring(folder, kind, port):
    """Let every part of a ring be on the one disk."""
    builder = str(folder / f"{kind}.builder")
    device = ("add", f"r1z1-127.0.0.1:{port}/one", "1")
    for words in (("create", "4", "1", "0"), device, ("rebalance",)):
        line = (BIN / "swift-ring-builder", builder, *words)
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def write(folder, kind, ip, port, text):
    """Write the configuration of a server."""
    common = COMMON.format(folder=folder, ip=ip, port=port, user=getpass.getuser())
    (folder / f"{kind}.conf").write_text(f"{common}\n{text}")


def plain(name):
    """A filter with nothing to set."""
    return f"\n[filter:{name}]\nuse = egg:swift#{name}\n"


def serve(folder, kind):
    """Start a server that ends when this process does."""
    mortal = ("setpriv", "--pdeathsig", "KILL")
    return subprocess.Popen((*mortal, BIN / f"swift-{kind}-server", folder / f"{kind}.conf"))


if __name__ == "__main__":
    what, where, *rest = sys.argv[1:]
    if what == "bucket":
        make_bucket(where, *rest)
    else:
        {"rclone": rclone, "swift": swift}[what](Path(where), int(rest[0]), *rest[1:])
