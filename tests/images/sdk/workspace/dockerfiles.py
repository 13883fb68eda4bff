"""The Dockerfiles that Azure writes: that of an environment, and what a package adds to it.

The lines are those of build logs that users have published, but for the folder that the conda file
comes from, and for wheels, which Azure has pip download.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

CONDA_FILE = "mutated_conda_dependencies.yml"
WHEELS = "private-wheels"

_WHEELS = f"COPY {WHEELS} /{WHEELS}\n"
_CONDA = """\
USER root
RUN mkdir -p $HOME/.cache
WORKDIR /
RUN if dpkg --compare-versions `conda --version | grep -oE '[^ ]+$'` lt 4.4.11; \
then conda install conda==4.4.11; fi
COPY {file} azureml-environment-setup/{file}
{wheels}\
RUN ldconfig /usr/local/cuda/lib64/stubs && \
conda env create -p {prefix} -f azureml-environment-setup/{file} && \
rm -rf "$HOME/.cache/pip" && conda clean -aqy && CONDA_ROOT_DIR=$(conda info --root) && \
rm -rf "$CONDA_ROOT_DIR/pkgs" && \
find "$CONDA_ROOT_DIR" -type d -name __pycache__ -exec rm -rf {{}} + && ldconfig
ENV PATH {prefix}/bin:$PATH
ENV AZUREML_CONDA_ENVIRONMENT_PATH {prefix}
ENV LD_LIBRARY_PATH {prefix}/lib:$LD_LIBRARY_PATH
"""
_PACKAGE = """\
COPY azureml-app /var/azureml-app
RUN mv '/var/azureml-app/{driver}' /var/azureml-app/main.py
ENV {variables}
CMD ["runsvdir","/var/runit"]
"""


def conda_steps(prefix: str, *, wheels: bool) -> str:
    """Makes the environment of CONDA_FILE at `prefix`; with WHEELS beside it."""
    return _CONDA.format(file=CONDA_FILE, prefix=prefix, wheels=_WHEELS if wheels else "")


def package_steps(driver: str, variables: Mapping[str, str]) -> str:
    """Puts in `azureml-app`, where `driver` is the SDK's main.py, and sets variables."""
    pairs = (f"{name}={json.dumps(value)}" for name, value in variables.items())
    return _PACKAGE.format(driver=driver, variables=" ".join(pairs))
