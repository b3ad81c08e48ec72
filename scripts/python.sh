#!/bin/sh
# Print the path of a Python that Airflow supports and that can make a virtual environment.
# Each is tried by running it: a version manager's shim may stand for nothing.
without_venv=""
for name in python3 python3.13 python3.12 python3.11; do
    path=$(command -v "$name" 2>/dev/null) || continue
    "$path" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        2>/dev/null || continue
    if "$path" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
    without_venv="$without_venv $name"
done
if [ -n "$without_venv" ]; then
    echo "Python: needs the module venv, but it is not there for:$without_venv." \
        "On Debian and Ubuntu: apt-get install python3-venv" >&2
else
    found=$(python3 -V 2>/dev/null || echo "no python3")
    echo "Python: must be 3.11, 3.12 or 3.13, but got $found." \
        "Install one of these, or say make PYTHON=/path/to/python3.13" >&2
fi
exit 1
