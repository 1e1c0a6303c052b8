# The sensor as an image: docs/deploy.md says how to run it. Everything that is installed comes from the lock
# file, with hashes; the packet path is compiled while the image is built.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/otmon \
    && /opt/otmon/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
# Links in otmon lead to these.
COPY plants plants
COPY rules rules
COPY scenarios scenarios
COPY otmon otmon
RUN /opt/otmon/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="otmon" \
      org.opencontainers.image.description="Passive monitor of factory networks: who talks to whom, and whether the zone model allows it" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/otmon /opt/otmon
# libpcap is for --filter. A user who is not root gets CAP_NET_RAW by a file alone; were that the interpreter,
# the loader would trust no library beside it. So it is a copy of setpriv, which hands the one capability on.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpcap0.8 libcap2-bin \
    && useradd --system --uid 9877 --user-group --home-dir /var/lib/otmon --shell /usr/sbin/nologin otmon \
    && install -d -o otmon -g otmon -m 0750 /var/lib/otmon /var/log/otmon /var/cache/otmon \
    && install -o root -g otmon -m 0750 /usr/bin/setpriv /usr/local/bin/otmon-listen \
    && setcap cap_net_raw+ep /usr/local/bin/otmon-listen \
    && apt-get purge --yes --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/*
# What is compiled for any machine of this architecture need not be compiled where it runs.
ENV PATH=/opt/otmon/bin:$PATH \
    XDG_CACHE_HOME=/var/cache \
    NUMBA_CPU_NAME=generic \
    PYTHONUNBUFFERED=1
USER otmon
RUN otmon sensor compile
WORKDIR /var/lib/otmon
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["/opt/otmon/bin/python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9877/metrics', timeout=5)"]
ENTRYPOINT ["/usr/local/bin/otmon-listen", "--inh-caps=+net_raw", "--ambient-caps=+net_raw", "/opt/otmon/bin/otmon", "sensor"]
CMD ["--help"]
