# Made by `scoreserve package` from its files.
FROM scoreserve:cpu

USER 0

# The packages of conda.yml. And scoreserve: compiled for the image's own Python, else the one for any.
COPY environment /opt/scoreserve/environment
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    SCORESERVE_CONDA_SOLVER=conda conda env create --prefix /opt/miniconda/envs/inf-conda-env --file /opt/scoreserve/environment/conda.yml \
    && (pip --python /opt/miniconda/envs/inf-conda-env/bin/python install --no-cache-dir --no-index --find-links /opt/scoreserve/wheels /opt/scoreserve/wheels/scoreserve-*.whl \
    || pip --python /opt/miniconda/envs/inf-conda-env/bin/python install --no-cache-dir --find-links /opt/scoreserve/wheels /opt/scoreserve/dist/*.whl)

ENV AZUREML_CONDA_ENVIRONMENT_PATH="/opt/miniconda/envs/inf-conda-env"

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
