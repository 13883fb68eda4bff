FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && python3 -m venv /opt/app

USER 0

# The server. The base needs Python >= 3.10, with venv.
COPY --from=scoreserve:cpu /opt/scoreserve/dist /opt/scoreserve/dist
COPY --from=scoreserve:cpu /var/runit/gunicorn/run /var/runit/gunicorn/run
COPY --from=scoreserve:cpu /usr/local/bin/scoreserve-healthcheck /usr/local/bin/scoreserve-healthcheck

RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    /opt/app/bin/python -m pip install --no-cache-dir /opt/scoreserve/dist/*.whl

ENV AML_APP_ROOT="/var/azureml-app" \
    AZUREML_CONDA_ENVIRONMENT_PATH="/opt/app" \
    PYTHONUNBUFFERED="1"

EXPOSE 5001
HEALTHCHECK --interval=10s --timeout=2s --start-period=310s CMD ["scoreserve-healthcheck"]
WORKDIR /var/azureml-app

# Made by `scoreserve package` from its files.
LABEL scoreserve.environment.name="own-dockerfile"

USER 1000
CMD ["/var/runit/gunicorn/run"]
