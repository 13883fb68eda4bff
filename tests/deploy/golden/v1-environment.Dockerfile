# Made by `scoreserve package` from its files.
FROM scoreserve:cpu

USER 0

# The packages of conda_dependencies.yml. With scoreserve among them, pip takes none that it cannot run with.
COPY environment /opt/scoreserve/environment
WORKDIR /opt/scoreserve/environment
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    pip install --no-cache-dir --requirement /opt/scoreserve/environment/requirements.txt scoreserve
WORKDIR /var/azureml-app

ENV EXAMPLE_ENV_VAR="EXAMPLE_VALUE"

LABEL scoreserve.environment.name="tutorial-env" \
    scoreserve.environment.version="1"

USER 1000
CMD ["runsvdir", "/var/runit"]
