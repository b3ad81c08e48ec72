#!/bin/sh
# Backfill a week of grids/cancer-daily.yaml on an embedded stack of its own, and draw the champions.
set -eu
cd "$(dirname "$0")/.."
demo=.sweepstake-demo
export SWEEPSTAKE_HOME="$demo/home" SWEEPSTAKE_GRIDS="$demo/grids"
export SWEEPSTAKE_AIRFLOW_PORT=auto SWEEPSTAKE_MLFLOW_PORT=auto SWEEPSTAKE_POSTGRES_PORT=auto
mkdir -p "$demo/grids/data"
cp -r grids/data/cancer-daily "$demo/grids/data/"
cp grids/cancer-daily.yaml "$demo/grids/"
trap '.venv/bin/sweepstake down' EXIT
.venv/bin/sweepstake up
.venv/bin/sweepstake backfill cancer-daily --from 2026-01-01 --to 2026-01-07
.venv/bin/sweepstake champion cancer-daily --over 2026-01-01..2026-01-07 \
    --figure "$demo/champions.png"
