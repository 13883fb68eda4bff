# Made by `scoreserve package` from its files.
FROM registry.example.com/team/scoring:1.4

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

COPY --chown=1000:0 azureml-app /var/azureml-app

ENV AZUREML_ENTRY_SCRIPT="source_dir/path/to/score.py" \
    AZUREML_SOURCE_DIRECTORY="source_dir" \
    AZUREML_MODEL_DIR="azureml-models/" \
    THRESHOLD="0.75"

LABEL scoreserve.environment.name="user-managed"

USER 1000
CMD ["/var/runit/gunicorn/run"]
