#!/bin/sh
# Makes the database of PostgreSQL at its first start, as the entry point of the official image does.
set -eu
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" && chown -R postgres:postgres /var/lib/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=${POSTGRES_PASSWORD_FILE:-$(mktemp)}
    [ -n "${POSTGRES_PASSWORD_FILE:-}" ] || printf %s "$POSTGRES_PASSWORD" >"$password"
    mkdir -p "$PGDATA"
    initdb -D "$PGDATA" -U "${POSTGRES_USER:-postgres}" --pwfile="$password" --auth-host=scram-sha-256 \
        --auth-local=trust --encoding=UTF8 --no-locale >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    echo "unix_socket_directories = '/var/run/postgresql'" >>"$PGDATA/postgresql.conf"
fi
exec "$@"
