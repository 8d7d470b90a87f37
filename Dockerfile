# The service as a container: docs/operating.md says how to run it.

# A tag may come to name another image, a digest cannot. docs/deploying.md says how to find the digest and to build by it.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

# -- build: the environment, complete and compiled
FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# The dependencies first: this layer is made anew only when a lock changes. Wheels alone, so no compiler is needed.
# The locks are complete and pip resolves nothing, so what is published later changes nothing here.
COPY requirements.lock requirements-build.lock /src/
RUN python -m venv --without-pip /opt/syncd \
    && pip --python /opt/syncd/bin/python install --no-compile --only-binary :all: --no-deps \
        --require-hashes --requirement /src/requirements.lock \
    && python -m venv --without-pip /opt/build \
    && pip --python /opt/build/bin/python install --only-binary :all: --no-deps \
        --require-hashes --requirement /src/requirements-build.lock

WORKDIR /src
COPY pyproject.toml README.md ./
COPY syncd/ syncd/
COPY connectors/ connectors/
COPY mappings/ mappings/
COPY supply_chain/ supply_chain/
# Byte code is made once, here, and trusted as it is: the running container writes none and checks no times.
RUN pip --python /opt/build/bin/python wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
    && pip --python /opt/syncd/bin/python install --no-compile --no-deps /wheels/*.whl \
    && pip --python /opt/syncd/bin/python check \
    && /opt/syncd/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/syncd/lib

# -- the image: Python, the environment, a user without rights
FROM ${PYTHON_IMAGE}

# The ids are fixed, so that volumes and secrets can be given to them.
RUN groupadd --gid 10001 syncd \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin syncd \
    && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/syncd \
    && install --directory --mode 0755 /etc/syncd
COPY --from=build /opt/syncd /opt/syncd

ENV PATH="/opt/syncd/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SYNCD_CONFIG=/etc/syncd/syncd.yaml

# /etc/syncd holds syncd.yaml and the mappings (read only), /var/lib/syncd a SQLite ledger. Nothing else is written to.
USER 10001:10001
WORKDIR /var/lib/syncd
EXPOSE 8321
STOPSIGNAL SIGTERM

# Past any proxy that the environment names: it asks this very container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8321/healthz', timeout=4)"]

ENTRYPOINT ["syncd"]
CMD ["run", "--config", "/etc/syncd/syncd.yaml", "--listen", "0.0.0.0:8321"]
