#!/bin/sh
# What Airflow needs before any of its programs starts. Doing it again changes nothing.
set -eu
airflow db migrate
airflow pools set "$SWEEPSTAKE_POOL" "$TRAINING_SLOTS" "Training tasks of sweeps: one for each core"
