# The image of every program of ours: Airflow, MLflow, serving.
ARG PYTHON_IMAGE=python:3.12.12-slim-bookworm
FROM $PYTHON_IMAGE AS build
WORKDIR /build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH UV_LINK_MODE=copy
COPY requirements-build.txt requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=cache,target=/root/.cache/uv \
    pip install --require-hashes -r requirements-build.txt \
    && uv pip install --compile-bytecode --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY dags dags
COPY schemas schemas
COPY src src
RUN uv pip install --no-cache --no-build-isolation --no-deps .

FROM $PYTHON_IMAGE
RUN groupadd --gid 50000 sweepstake \
    && useradd --uid 50000 --gid 50000 --no-create-home --home-dir /srv/sweepstake sweepstake \
    && install -d -o sweepstake -g sweepstake /srv/sweepstake /srv/sweepstake/airflow \
        /srv/sweepstake/airflow/logs /srv/sweepstake/cache /srv/sweepstake/grids
COPY --from=build /opt/venv /opt/venv
COPY deploy /srv/sweepstake/deploy
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/sweepstake/deploy \
    PYTHONUNBUFFERED=1
WORKDIR /srv/sweepstake
USER 50000:50000
