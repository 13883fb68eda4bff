# Made by `scoreserve package` from its files.
FROM scoreserve:cpu

COPY --chown=1000:0 azureml-models/linear/1 /srv/models
COPY --chown=1000:0 azureml-app /var/azureml-app

ENV AZUREML_ENTRY_SCRIPT="score.py" \
    AML_APP_ROOT="/var/azureml-app/onlinescoring" \
    AZUREML_MODEL_DIR="/srv/models"

LABEL scoreserve.environment.name="own-image"
