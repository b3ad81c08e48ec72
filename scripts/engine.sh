#!/bin/sh
# A Docker engine with Compose for the tests of docker-compose.yml, where there is none (root, Debian):
#   engine.sh start   use the engine that runs here, or install Debian's and start it
#   engine.sh images  stand-ins, under the same tags, for images that are not here and cannot be pulled
#   engine.sh build   our own image, on the stand-in where Python's cannot be pulled
#   engine.sh stop    take away the stand-ins, and end the engine that start started
# The engine that it starts keeps everything below ENGINE_RUN.
set -eu
run=${ENGINE_RUN:-/var/tmp/sweepstake-engine}
here=$(cd "$(dirname "$0")/.." && pwd)
base=sweepstake-stand-in/python:3.11
label=org.sweepstake.stand-in=yes
export DEBIAN_FRONTEND=noninteractive

answers() {
    docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1
}

# Compose v2 is in the release of Debian after this one, on the same mirror; it needs no other package.
install_compose() {
    mirror=$(awk '/^URIs/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources)
    mkdir -p "$run/lists/partial"
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
        "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >"$run/next.sources"
    next="-oDir::Etc::sourcelist=$run/next.sources -oDir::Etc::sourceparts=- -oDir::State::Lists=$run/lists"
    # shellcheck disable=SC2086 - the options are words
    (cd "$run" && apt-get $next -oAPT::Sandbox::User=root update -qq &&
        apt-get $next -oAPT::Sandbox::User=root download -qq docker-compose)
    dpkg -x "$run"/docker-compose_*.deb "$run/compose"
    install -D -m 755 "$run/compose/usr/libexec/docker/cli-plugins/docker-compose" \
        /usr/libexec/docker/cli-plugins/docker-compose
}

start() {
    if answers; then
        return
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "engine: must answer \`docker info\` and \`docker compose version\`, but does not." \
            "Start one, or be root on Debian." >&2
        return 1
    fi
    mkdir -p "$run"
    absent=""
    [ -x /usr/sbin/dockerd ] || absent="docker.io iptables"
    command -v mmdebstrap >/dev/null || absent="$absent mmdebstrap"
    if [ -n "$absent" ]; then
        apt-get update -qq
        # shellcheck disable=SC2086 - the packages are words
        apt-get install -y -qq --no-install-recommends $absent ca-certificates >"$run/apt.log"
    fi
    docker compose version >/dev/null 2>&1 || install_compose
    # An engine that has to switch forwarding on forbids it to all other bridges of this machine.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    # With version 1 of cgroups all containers together would weigh as much as one other process.
    if [ -d /sys/fs/cgroup/cpu ]; then
        mkdir -p /sys/fs/cgroup/cpu/docker
        echo 8192 >/sys/fs/cgroup/cpu/docker/cpu.shares
    fi
    setsid /usr/sbin/dockerd --data-root "$run/data" --exec-root "$run/exec" \
        --pidfile "$run/dockerd.pid" >"$run/dockerd.log" 2>&1 &
    for _ in $(seq 60); do
        answers && return
        sleep 1
    done
    tail "$run/dockerd.log" >&2
    return 1
}

has() {
    docker image inspect "$1" >/dev/null 2>&1
}

# Python of this Debian, with the certificates and the settings of pip that this machine has.
make_base() {
    if has "$base"; then
        return
    fi
    folder=$(mktemp -d -p "$run")
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip \
        bookworm "$folder/base.tar" </etc/apt/sources.list.d/debian.sources
    mkdir -p "$folder/root/etc/ssl/certs"
    tar -C "$folder/root" -xf "$folder/base.tar" --exclude='./dev/*'
    cp -L /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/ca-certificates.crt"
    if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$folder/root/etc/pip.conf"; fi
    ln -sf python3 "$folder/root/usr/bin/python"
    bundle=/etc/ssl/certs/ca-certificates.crt
    tar -C "$folder/root" -c . | docker import --change "LABEL $label" --change 'CMD ["python3"]' \
        --change "ENV SSL_CERT_FILE=$bundle PIP_CERT=$bundle REQUESTS_CA_BUNDLE=$bundle" - "$base" >/dev/null
    rm -rf "$folder"
}

# What can be had is had: stand-ins take the place of the others.
images() {
    mkdir -p "$run"
    wanted=""
    for name in postgres redis minio; do
        tag=$(sed -n "s|^ *image: \(\S*$name:\S*\)$|\1|p" "$here/docker-compose.yml")
        if has "$tag" && [ -z "$(docker images --quiet --filter "label=$label" "$tag")" ]; then
            continue
        elif has "$tag"; then # a stand-in of ours, of this state or an earlier one
            wanted="$wanted $name"
        elif [ -z "$wanted" ] && timeout 15 docker manifest inspect "$tag" >/dev/null 2>&1; then
            docker pull --quiet "$tag"
        else
            wanted="$wanted $name"
        fi
    done
    if [ -n "$wanted" ]; then
        make_base
        # shellcheck disable=SC2086 - the names are words
        docker compose --file "$here/tests/compose/standins/compose.yml" build --quiet $wanted
        echo "stand-ins, as the images cannot be pulled:$wanted"
    fi
}

build() {
    if has "$base"; then export PYTHON_IMAGE="$base"; fi
    cd "$here"
    SECRETS=deploy/course docker compose --file docker-compose.yml --file tests/compose/engine.yml build check
    docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep '^sweepstake:'
}

stop() {
    if docker info >/dev/null 2>&1; then
        docker image ls --quiet --filter "label=$label" | sort -u | xargs -r docker image rm --force >/dev/null
    fi
    if [ -f "$run/dockerd.pid" ]; then
        pid=$(cat "$run/dockerd.pid")
        kill "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
        rm -rf "$run"
    fi
}

case ${1:-} in
start | images | build | stop) "$1" ;;
*) sed -n '2,8p' "$0" && exit 2 ;;
esac
