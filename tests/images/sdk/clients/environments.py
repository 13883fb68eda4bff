"""The environments that azureml-core's programs deploy with."""

from __future__ import annotations

from pathlib import Path

from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies


def with_packages(ws: Workspace, wheel: Path) -> Environment:
    """Packages of conda and of pip, one of which is a wheel of the workspace's own."""
    url = Environment.add_private_pip_wheel(ws, str(wheel), exist_ok=True)
    environment = Environment("with-packages")
    environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=["pip"], pip_packages=["azureml-defaults", url], python_version="3.13"
    )
    environment.environment_variables = {"GREETING": "Hello"}
    return environment


def of_dockerfile(dockerfile: Path) -> Environment:
    """An image that has all that the script needs."""
    environment = Environment("of-dockerfile")
    environment.docker.base_image = None
    environment.docker.base_dockerfile = dockerfile.read_text()
    environment.python.user_managed_dependencies = True
    return environment
