#!/bin/sh
# Install what the tests in a browser need beside the Python packages: Debian's Chromium.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/browser: needs root or chromium, which are not here: its tests are skipped." \
        "On Debian, as root: apt-get install chromium" >&2
    exit 0
fi
apt-get update -qq
apt-get install --yes -qq --no-install-recommends chromium >/dev/null
