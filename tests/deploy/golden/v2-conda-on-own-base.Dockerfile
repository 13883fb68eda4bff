# Made by `scoreserve package` from its files.
FROM team/base:1

USER 0

# The server. The base needs Python >= 3.10, with venv.
COPY --from=scoreserve:cpu /opt/scoreserve/dist /opt/scoreserve/dist
COPY --from=scoreserve:cpu /var/runit/gunicorn/run /var/runit/gunicorn/run
COPY --from=scoreserve:cpu /usr/local/bin/scoreserve-healthcheck /usr/local/bin/scoreserve-healthcheck

RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv --system-site-packages /opt/scoreserve/env \
    && /opt/scoreserve/env/bin/python -m pip install --no-cache-dir /opt/scoreserve/dist/*.whl

ENV AML_APP_ROOT="/var/azureml-app" \
    AZUREML_CONDA_ENVIRONMENT_PATH="/opt/scoreserve/env" \
    PYTHONUNBUFFERED="1"

EXPOSE 5001
HEALTHCHECK --interval=10s --timeout=2s --start-period=310s CMD ["scoreserve-healthcheck"]
WORKDIR /var/azureml-app

# The packages of conda.yml. With scoreserve among them, pip takes none that it cannot run with.
COPY environment /opt/scoreserve/environment
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    /opt/scoreserve/env/bin/pip install --no-cache-dir --requirement /opt/scoreserve/environment/requirements.txt scoreserve

# What sends to Application Insights.
USER 0
# hadolint ignore=DL3013  # scoreserve's own version stays, and it bounds the others
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    "$AZUREML_CONDA_ENVIRONMENT_PATH/bin/pip" install --no-cache-dir 'scoreserve[azure]'

COPY --chown=1000:0 azureml-models /var/azureml-app/azureml-models
COPY --chown=1000:0 mdc-config.json /etc/mdc-config.json
COPY --chown=1000:0 azureml-app /var/azureml-app

ENV AZUREML_ENTRY_SCRIPT="score.py" \
    AML_APP_ROOT="/var/azureml-app/onlinescoring" \
    AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/linear/3" \
    SCORING_TIMEOUT_MS="3000" \
    SCORESERVE_QUEUE_TIMEOUT_MS="500" \
    WORKER_COUNT="2" \
    AML_APP_INSIGHTS_ENABLED="true" \
    AZUREML_MDC_CONFIG_PATH="/etc/mdc-config.json" \
    AZUREML_LOG_LEVEL="INFO"

LABEL org.opencontainers.image.description="with everything a container can notice" \
    scoreserve.environment.name="linear-env" \
    scoreserve.tag.team="scoring"

USER 1000
CMD ["/var/runit/gunicorn/run"]
