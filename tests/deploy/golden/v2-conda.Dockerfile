# Made by `scoreserve package` from its files.
FROM scoreserve:cpu

USER 0

# The packages of conda.yml. With scoreserve among them, pip takes none that it cannot run with.
COPY environment /opt/scoreserve/environment
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    pip install --no-cache-dir --requirement /opt/scoreserve/environment/requirements.txt scoreserve

# What sends to Application Insights.
USER 0
# hadolint ignore=DL3013  # scoreserve's own version stays, and it bounds the others
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    pip --python "$AZUREML_CONDA_ENVIRONMENT_PATH/bin/python" install --no-cache-dir 'scoreserve[azure]'

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
CMD ["runsvdir", "/var/runit"]
