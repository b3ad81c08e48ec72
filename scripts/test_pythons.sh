#!/bin/sh
# Run the unit tests on each supported Python that this machine has; UV is the uv to install with.
set -eu
passed= failed=

try() {
    home=.venv-$1
    echo "Python $1: installing into $home"
    "$UV" venv --quiet --allow-existing --python "python$1" "$home" &&
        "$UV" pip install --quiet --compile-bytecode --python "$home" --require-hashes \
            -r requirements-build.txt -r requirements-dev.txt &&
        "$UV" pip install --quiet --python "$home" --no-build-isolation --no-deps -e . &&
        "$home/bin/python" -m pytest -m "not long" -p no:cacheprovider tests/unit
}

for version in 3.11 3.12 3.13; do
    # a version manager's stand-in for a version that is not chosen is there, and does not run
    if ! "python$version" -c '' 2>/dev/null; then
        echo "Python $version: not on this machine, so it is left out."
    elif try "$version"; then
        passed="$passed $version"
    else
        failed="$failed $version"
    fi
done
if [ -z "$passed$failed" ]; then
    echo "None of Python 3.11, 3.12 and 3.13 runs here as python3.x: put one on PATH." >&2
    exit 1
fi
echo "The unit tests passed on:${passed:- none}; they failed on:${failed:- none}."
[ -z "$failed" ]
