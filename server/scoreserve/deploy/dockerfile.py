"""The Dockerfile of a deployment, as a person would have written it. Each of its two parts can be
an image: the environment, and on it the service, with code, models and variables.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from scoreserve.deploy.bases import OUR_PREFIX, Base
from scoreserve.deploy.deployment import APP_ROOT, COLLECTOR_CONFIG, SCORING_PORT, Deployment
from scoreserve.deploy.packages import CONDA, REQUIREMENTS, Packages
from scoreserve.errors import DeploymentError

# Folders and files of a build context.
CODE, MODELS, ENVIRONMENT = "azureml-app", "azureml-models", "environment"
COLLECTOR, SWAGGER = "mdc-config.json", "swagger.json"

CONDA_PREFIX = "/opt/miniconda/envs/inf-conda-env"
_PREFIX_VARIABLE = "AZUREML_CONDA_ENVIRONMENT_PATH"
_FILES = f"/opt/scoreserve/{ENVIRONMENT}"  # copied: buildah's cache knows nothing of bind mounts
_USER = "1000:0"  # dockeruser, and the group that any uid of OpenShift is in
# The server for any Python; and compiled, with what it needs, for the image's own.
_DIST, _WHEELS = "/opt/scoreserve/dist", "/opt/scoreserve/wheels"
_RUN_SCRIPT, _HEALTH_CHECK = "/var/runit/gunicorn/run", "/usr/local/bin/scoreserve-healthcheck"
_SECRETS = (
    "--mount=type=secret,id=pip.conf,target=/etc/pip.conf",
    "--mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt",
)
_KEPT = "scoreserve"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_LINE_END = re.compile(r"[\r\n]+")
_NEXT_LINE = " \\\n    "


def whole(deployment: Deployment, base: Base, packages: Packages | None, made_from: str) -> str:
    """One Dockerfile for all of it; `made_from` are the names of the files it comes from."""
    heading = f"# Made by `scoreserve package` from {made_from}."
    its_environment = environment(deployment, base, packages)
    its_service = service_lines(deployment, base)
    if base.dockerfile:  # the user's own comes first, where a `# syntax=` must stand
        return f"{its_environment}\n{heading}\n{its_service}"
    return f"{heading}\n{its_environment}\n{its_service}"


def environment(deployment: Deployment, base: Base, packages: Packages | None) -> str:
    """The environment alone."""
    its = deployment.environment
    text = base.dockerfile.rstrip("\n") + "\n" if base.dockerfile else f"FROM {base.image}\n"
    if its.as_it_is:
        return text
    prefix = its.prefix or OUR_PREFIX
    blocks: list[str] = []
    if not base.has_server:
        blocks += _server(base, its.prefix)
    if packages is not None:
        blocks.append(_packages(packages, "pip" if base.has_server else f"{prefix}/bin/pip"))
        if packages.document is not None:
            blocks.append(_env({_PREFIX_VARIABLE: CONDA_PREFIX}))
    if its.steps.strip():
        blocks.append(f"# The extra Dockerfile steps.\n{its.steps.strip()}")
    if not blocks:
        return text
    return "\n\n".join([text + "\nUSER 0", *blocks]) + "\n"


def service(deployment: Deployment, base: Base, environment_image: str) -> str:
    """The service alone, on an image of its environment."""
    return f"FROM {environment_image}\n\n{service_lines(deployment, base)}"


def service_lines(deployment: Deployment, base: Base) -> str:
    """What the service adds to its environment."""
    its = deployment.environment
    blocks = [
        _app_insights(base) if deployment.app_insights and not its.as_it_is else "",
        "\n".join(_copies(deployment)),
        _env(deployment.container_variables()),
        _labels(deployment),
    ]
    if not its.as_it_is:
        command = ["runsvdir", "/var/runit"] if base.has_server else [_RUN_SCRIPT]
        blocks.append(f"USER 1000\nCMD {json.dumps(command)}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _app_insights(base: Base) -> str:
    """What sends to Application Insights, in the environment that the server is in."""
    prefix = f"${_PREFIX_VARIABLE}"
    # Not its own pip, where there is another: see `_packages`.
    pip = f'pip --python "{prefix}/bin/python"' if base.has_server else f'"{prefix}/bin/pip"'
    run = _run(_SECRETS, f"{pip} install --no-cache-dir '{_KEPT}[azure]'")
    linted = "# hadolint ignore=DL3013  # scoreserve's own version stays, and it bounds the others"
    return f"# What sends to Application Insights.\nUSER 0\n{linted}\n{run}"


def _copies(deployment: Deployment) -> Iterator[str]:
    """What changes least comes first."""
    for model in deployment.models if deployment.model_mount_path else ():
        yield _copy(f"{MODELS}/{model.name}/{model.version}", deployment.model_target(model))
    if deployment.models and not deployment.model_mount_path:
        yield _copy(MODELS, posixpath.join(APP_ROOT, MODELS))
    if deployment.collector_config:
        yield _copy(COLLECTOR, COLLECTOR_CONFIG)
    if deployment.code is not None:
        yield _copy(CODE, APP_ROOT)


def _copy(source: str, target: str) -> str:
    return f"COPY --chown={_USER} {source} {target}"


def _server(base: Base, prefix: str) -> Iterator[str]:
    """Our server in a base that is not ours: in its own Python environment, where that is known;
    else in a new one, which sees the base's packages.
    """
    python = f"{prefix or OUR_PREFIX}/bin/python"
    steps = [] if prefix else [f"python3 -m venv --system-site-packages {OUR_PREFIX} \\\n    && "]
    yield "# The server. The base needs Python >= 3.10, with venv.\n" + "\n".join(
        f"COPY --from={base.server_image} {path} {path}"
        for path in (_DIST, _RUN_SCRIPT, _HEALTH_CHECK)
    )
    yield _run(_SECRETS, f"{''.join(steps)}{python} -m pip install --no-cache-dir {_DIST}/*.whl")
    yield _env(
        {
            "AML_APP_ROOT": APP_ROOT,
            _PREFIX_VARIABLE: prefix or OUR_PREFIX,
            "PYTHONUNBUFFERED": "1",
        }
    )
    yield (
        f"EXPOSE {SCORING_PORT}\nHEALTHCHECK --interval=10s --timeout=2s --start-period=310s"
        f' CMD ["{posixpath.basename(_HEALTH_CHECK)}"]\nWORKDIR {APP_ROOT}'
    )


def _packages(packages: Packages, pip: str) -> str:
    about = f"# The packages of {packages.source}."
    if packages.document is not None:
        about += f" And {_KEPT}: compiled for the image's own Python, else the one for any."
        # By variables, which a conda of the base's own does not mind.
        solver = "SCORESERVE_CONDA_SOLVER=conda " if packages.solver == "conda" else ""
        strict = "SCORESERVE_CONDA_STRICT=true " if packages.strict else ""
        # Not its own pip: what conda makes need not have one.
        install = f"{pip} --python {CONDA_PREFIX}/bin/python install --no-cache-dir"
        command = (
            f"{solver}{strict}conda env create --prefix {CONDA_PREFIX} --file {_FILES}/{CONDA} \\\n"
            f"    && ({install} --no-index --find-links {_WHEELS} {_WHEELS}/{_KEPT}-*.whl \\\n"
            f"    || {install} --find-links {_WHEELS} {_DIST}/*.whl)"
        )
    else:
        about += f" With {_KEPT} among them, pip takes none that it cannot run with."
        command = f"{pip} install --no-cache-dir --requirement {_FILES}/{REQUIREMENTS} {_KEPT}"
    run = _run(_SECRETS, command)
    if packages.files:  # their paths start from the working directory
        run = f"WORKDIR {_FILES}\n{run}\nWORKDIR {APP_ROOT}"
    return f"{about}\nCOPY {ENVIRONMENT} {_FILES}\n{run}"


def _run(mounts: Sequence[str], command: str) -> str:
    return f"RUN {_NEXT_LINE.join([*mounts, command])}"


def _env(variables: Mapping[str, str]) -> str:
    if not variables:
        return ""
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name) or _LINE_END.search(value):
            raise DeploymentError(
                f"environment variable {name!r}: a Dockerfile has none with this name, or with a"
                " line's end in its value: give it to the container that runs"
            )
    pairs = [f"{name}={quoted(value)}" for name, value in variables.items()]
    return f"ENV {_NEXT_LINE.join(pairs)}"


def _labels(deployment: Deployment) -> str:
    its = deployment.environment
    labels = {f"scoreserve.tag.{name}": value for name, value in deployment.labels.items()}
    description = labels.pop("scoreserve.tag.description", "")
    named = {
        "org.opencontainers.image.description": description,
        "scoreserve.environment.name": its.name,
        "scoreserve.environment.version": its.version,
    }
    pairs = {**{name: value for name, value in named.items() if value}, **labels}
    if not pairs:
        return ""
    written = [f"{_label_name(name)}={quoted(value)}" for name, value in pairs.items()]
    return f"LABEL {_NEXT_LINE.join(written)}"


def _label_name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)


def quoted(value: str) -> str:
    """A value of ENV or LABEL, on one line: a builder expands variables in it."""
    text = _LINE_END.sub(" ", value)
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{text}"'
