#!/bin/sh
# Install what the tests on several hosts need beside the Python packages: the programs ip, setpriv
# and redis-server. Debian's redis-tools holds the last under another name, and starts no service.
set -eu
absent=""
for program in ip setpriv redis-check-rdb; do
    command -v "$program" >/dev/null || absent="$absent $program"
done
[ -n "$absent" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/cluster: needs root and$absent, which are not here: its tests are skipped." \
        "On Debian and Ubuntu, as root: apt-get install iproute2 redis-tools util-linux" >&2
    exit 0
fi
apt-get update -qq
apt-get install --yes -qq --no-install-recommends iproute2 redis-tools util-linux >/dev/null
