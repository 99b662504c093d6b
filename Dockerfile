# Stages: builder (compiler, Poetry, wheel), serving-venv and sample-model (what the final image takes over), workbench
# (every command, and the orders' pipeline), tests (everything, for `docker compose run tests`, `lint` and `jupyter`),
# tracking-server (MLflow, for `docker compose --profile mlflow up mlflow`), redis (histories), serving (the last one and
# the default).
#
# pip finds its index as it does everywhere: by default, or through the optional build arguments below. They reach the
# building stages alone, nothing of them is left in the final image.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS builder
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore FRAUD_REQUIRE_COMPILED=1
# The official base brings Python.h; one that holds the distribution's own Python needs python3-dev for it.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends gcc libc6-dev \
 && { test -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
      || apt-get install -y -qq --no-install-recommends python3-dev; } \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY scripts/install-locked scripts/poetry.txt scripts/
RUN python3 -m venv /opt/poetry \
 && scripts/install-locked /opt/poetry/bin/python /opt/poetry/bin/python scripts/poetry.txt
COPY pyproject.toml poetry.lock ./
RUN /opt/poetry/bin/poetry export --only main --extras onnx --extras mysql --extras postgres --extras redis --output serving.txt \
 && /opt/poetry/bin/poetry export --only main --extras training --extras pipeline --output training.txt \
 && /opt/poetry/bin/poetry export --only tracking-server --output tracking-server.txt \
 && /opt/poetry/bin/poetry export --all-groups --all-extras --output everything.txt

FROM builder AS wheel
COPY build.py README.md LICENSE ./
COPY src src
RUN /opt/poetry/bin/pip wheel -q --no-deps --wheel-dir /wheel .

# No pip in it: nothing is installed into a running service.
FROM builder AS serving-venv
RUN python3 -m venv --without-pip /opt/venv \
 && scripts/install-locked /opt/poetry/bin/python /opt/venv/bin/python serving.txt
COPY --from=wheel /wheel /wheel
RUN /opt/poetry/bin/pip --python /opt/venv/bin/python install -q --no-deps /wheel/*.whl

FROM serving-venv AS sample-model
RUN scripts/install-locked /opt/poetry/bin/python /opt/venv/bin/python training.txt
ENV PATH=/opt/venv/bin:$PATH FRAUD_MODELS=/models
RUN mkdir /data \
 && fraud sample credit_accounts --rows 20000 --seed 7 --output /data/credit_accounts.csv \
 && fraud train credit_accounts --data /data/credit_accounts.csv \
 && fraud train card_transactions \
 && fraud train platform_activity \
 && fraud train purchases \
 && fraud train orders

# Every command of `fraud`, for `docker compose run workbench`; the pipeline service and the workers of its scheduler, too.
FROM python:${PYTHON}-slim-bookworm AS workbench
LABEL org.opencontainers.image.title="fraud_detection_api: workbench" \
      org.opencontainers.image.description="Samples, training, reports and stored scores from the command line" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FRAUD_MODELS=/data/models
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fraud \
 && mkdir /data /store /pipeline /keys && chown 10001:10001 /data /store /pipeline /keys
COPY --from=sample-model /opt/venv /opt/venv
COPY --from=sample-model --chown=10001:10001 /models /data/models
# What a volume begins with that the serving image shares, whichever of the two containers is made first.
COPY --from=sample-model --chown=10001:10001 /models /models
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/store"]
CMD ["fraud", "--help"]

# Redis as the distribution maintains it, for histories: not root, nothing evicted, every record on the disk within a second.
FROM python:${PYTHON}-slim-bookworm AS redis
LABEL org.opencontainers.image.title="fraud_detection_api: Redis" \
      org.opencontainers.image.description="Redis for the histories of customers, e-mails and addresses"
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fraud \
 && mkdir /data && chown 10001:10001 /data
COPY deploy/redis/redis.conf /usr/local/etc/redis.conf
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 6379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["redis-cli", "ping"]
CMD ["redis-server", "/usr/local/etc/redis.conf"]

FROM builder AS tests
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fraud
# The tests run the commands of the documentation, curl among them.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv --without-pip /opt/venv \
 && scripts/install-locked /opt/poetry/bin/python /opt/venv/bin/python everything.txt
WORKDIR /app
COPY --chown=10001:10001 . .
RUN /opt/poetry/bin/pip --python /opt/venv/bin/python install -q --no-deps --editable . && chown -R 10001:10001 /app
USER 10001:10001
CMD ["python", "-m", "pytest", "-n", "2", "--dist", "loadfile"]

FROM builder AS tracking-venv
RUN python3 -m venv --without-pip /opt/venv \
 && scripts/install-locked /opt/poetry/bin/python /opt/venv/bin/python tracking-server.txt

FROM python:${PYTHON}-slim-bookworm AS tracking-server
LABEL org.opencontainers.image.title="fraud_detection_api: tracking server" \
      org.opencontainers.image.description="MLflow with the versions of the lock file" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fraud \
 && mkdir /data && chown 10001:10001 /data
COPY --from=tracking-venv /opt/venv /opt/venv
USER 10001:10001
WORKDIR /tmp
VOLUME /data
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-I", "-S", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1", \
     "--backend-store-uri", "sqlite:////data/tracking.db", "--artifacts-destination", "/data/artifacts"]

FROM python:${PYTHON}-slim-bookworm AS serving
LABEL org.opencontainers.image.title="fraud_detection_api" \
      org.opencontainers.image.description="Fraud probabilities over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FRAUD_MODELS=/models \
    FRAUD_STORE=sqlite:////store FRAUD_SPOOL=/spool FRAUD_HISTORIES_SECRET=/keys/histories.secret
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin fraud \
 && mkdir /store /spool /keys && chown 10001:10001 /store /spool /keys
COPY --from=serving-venv /opt/venv /opt/venv
COPY --from=sample-model --chown=10001:10001 /models /models
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-I", "-S", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/ready' % os.environ.get('FRAUD_PORT', '8000'), timeout=4)"]
CMD ["fraud", "serve", "--host", "0.0.0.0"]
