# The image of every program of ours: Airflow, MLflow, serving.
FROM python:3.12.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements-build.txt requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.txt \
    && uv pip install --no-cache --compile-bytecode --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY dags dags
COPY schemas schemas
COPY src src
RUN uv pip install --no-cache --no-build-isolation --no-deps .

FROM python:3.12.12-slim-bookworm
RUN groupadd --gid 50000 sweepstake \
    && useradd --uid 50000 --gid 50000 --no-create-home --home-dir /srv/sweepstake sweepstake \
    && install -d -o sweepstake -g sweepstake /srv/sweepstake /srv/sweepstake/airflow \
        /srv/sweepstake/cache /srv/sweepstake/grids
COPY --from=build /opt/venv /opt/venv
COPY deploy /srv/sweepstake/deploy
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/sweepstake/deploy \
    PYTHONUNBUFFERED=1
WORKDIR /srv/sweepstake
USER 50000:50000
