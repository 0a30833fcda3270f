# The emulator in a container. From a checkout:
#
#   docker build -t sfn-emulator .
#   docker run --rm -p 127.0.0.1:8083:8083 -v sfn-state:/state sfn-emulator
#
# Options are environment variables: -e SFN_EMULATOR_TIME=skip is --time skip. Another container reaches it by its name
# once that name is allowed: -e SFN_EMULATOR_ALLOW_HOST=sfn (and "sync-sfn", which SDKs use for StartSyncExecution).

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY sfn_emulator ./sfn_emulator
RUN pip install --no-cache-dir --prefix=/installed .

FROM python:3.13-slim
COPY --from=build /installed /usr/local
RUN useradd --create-home --uid 10001 sfn && install --directory --owner=sfn /state
USER sfn
WORKDIR /home/sfn
VOLUME /state
EXPOSE 8083
# This is inside the container only: -p says which interface of the host leads to it.
ENV SFN_EMULATOR_HOST=0.0.0.0 SFN_EMULATOR_STATE_DIR=/state PYTHONUNBUFFERED=1
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --start-interval=1s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8083/health', timeout=2)"]
ENTRYPOINT ["sfn-emulator", "serve"]
