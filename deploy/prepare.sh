#!/bin/sh
# What has to be there before any other program of ours starts. Doing it again changes nothing.
set -eu
here=$(dirname "$0")
python "$here/check_credentials.py"
python "$here/make_bucket.py"
airflow db migrate
airflow pools set "$SWEEPSTAKE_POOL" "$TRAINING_SLOTS" "Training tasks of sweeps: one for each core"
