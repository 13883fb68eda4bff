# Made by `scoreserve package` from its files.
FROM scoreserve:cpu

USER 0

# The packages of myenv.yml. With scoreserve among them, pip takes none that it cannot run with.
COPY environment /opt/scoreserve/environment
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    pip install --no-cache-dir --requirement /opt/scoreserve/environment/requirements.txt scoreserve

COPY --chown=1000:0 azureml-app /var/azureml-app

ENV AZUREML_ENTRY_SCRIPT="score.py" \
    AZUREML_MODEL_DIR="azureml-models/"

USER 1000
CMD ["runsvdir", "/var/runit"]
