# Made by `scoreserve package` from its files.
FROM scoreserve:gpu

COPY --chown=1000:0 azureml-models /var/azureml-app/azureml-models
COPY --chown=1000:0 azureml-app /var/azureml-app

ENV AZUREML_ENTRY_SCRIPT="score.py" \
    AML_APP_ROOT="/var/azureml-app/onlinescoring" \
    AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/7de474f79aae3691931c444a3578a849430f8414ca9855e818b9c727ef302957/1"

USER 1000
CMD ["runsvdir", "/var/runit"]
