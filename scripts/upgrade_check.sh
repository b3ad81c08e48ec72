#!/bin/sh
# Resolve the newest releases of what Sweepstake is made of, pre-releases too, beyond its own bounds,
# into an environment of its own, and run the quick tests there. UV is the uv to install with.
# A bound beyond which nothing can be installed beside the others stays, and is told.
set -eu
home=.venv-newest
beyond="mlflow>3.17.2 scikit-learn>=1.10.0rc0 skops>=0.17"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

resolve() {
    for name in "$@"; do echo "$name"; done >"$folder/overrides"
    "$UV" pip compile --quiet --prerelease allow --override "$folder/overrides" \
        --extra celery --extra embedded --extra login --extra s3 --group dev \
        --no-emit-index-url --no-emit-find-links --output-file "$folder/requirements" pyproject.toml \
        2>"$folder/said"
}

free=""
for wanted in $beyond; do
    # shellcheck disable=SC2086 - the names are words
    if resolve $free "$wanted"; then
        free="$free $wanted"
    else
        echo "$wanted: cannot be installed beside the others, so the bound stays:"
        sed 's/^/    /' "$folder/said" | head -n 5
    fi
done
# shellcheck disable=SC2086
resolve $free
"$UV" venv --quiet --allow-existing --python "${PYTHON:-.venv/bin/python}" "$home"
"$UV" pip install --quiet --compile-bytecode --prerelease allow --python "$home" \
    -r requirements-build.txt -r "$folder/requirements"
"$UV" pip install --quiet --python "$home" --no-build-isolation --no-deps -e .
"$UV" pip list --quiet --python "$home" 2>/dev/null |
    grep -E '^(apache-airflow|mlflow|scikit-learn|skops|numpy|pandas|starlette) '
exec "$home/bin/python" -m pytest -m "$1" -p no:cacheprovider --maxfail=50 tests/unit tests/integration
