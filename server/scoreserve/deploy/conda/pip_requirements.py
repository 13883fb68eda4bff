"""Conda's packages by their names and versions on PyPI, where they are there too.

Every conda package of the 59 conda files in Azure's examples is on PyPI under its own name; the
others that are known to differ are in the tables here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scoreserve.deploy.conda.environment_file import CondaPackage, EnvironmentFile

# By what name PyPI has it.
_ON_PYPI = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "pytables": "tables",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "ruamel_yaml": "ruamel.yaml",
    "tensorflow-gpu": "tensorflow",
}
# What is in the image, or what wheels of PyPI bring along.
_NOT_NEEDED = frozenset(
    {
        *("_libgcc_mutex", "_openmp_mutex", "blas", "ca-certificates", "libblas", "libcblas"),
        *("libgcc", "libgcc-ng", "libgomp", "liblapack", "libopenblas", "libstdcxx-ng"),
        *("llvm-openmp", "mkl", "nomkl", "openblas", "openssl", "pip", "python"),
    }
)
# What no wheel stands for.
_CONDA_ONLY = frozenset(
    {
        *("cuda", "cudatoolkit", "cudnn", "gcc_linux-64", "gxx_linux-64", "java-11-openjdk"),
        *("nccl", "nodejs", "openjdk", "openmpi", "pyspark-openjdk", "unixodbc"),
    }
)
_CONDA_ONLY_PREFIXES = ("r-", "cuda-", "lib", "perl-", "gcc", "gxx")
_LIBRARIES_ON_PYPI = frozenset({"libclang", "libcst", "libpysal", "librosa", "libsass", "librt"})

# It brings Azure's own server. For Python from 3.12 on its last release is one of 2019, which would
# take the place of what our server has for `import azureml.core`.
_AZURE_S_SERVER = re.compile(r"azureml-defaults(?![\w-])", re.IGNORECASE)
_LEFT_OUT = "scoreserve is the server; list azureml-core if the script needs all of it"

# Releases that have code ask for pandas 1.1.5 or older, and the last ones are empty.
_DESIGNER = re.compile(r"azureml-designer-", re.IGNORECASE)
_FOR_OLD_PYTHONS = (
    "the designer's code is for Python 3.9 and older, the server needs 3.10 or newer; a script that"
    " imports azureml.studio or azureml.designer does not start"
)

_OPERATORS = re.compile(r"(==|>=|<=|!=|~=|>|<)\s*(.+)")


@dataclass(frozen=True)
class PipRequirements:
    """What pip installs in conda's place: conda's part first. `python` is the version asked for,
    as `3.11`, or empty. `conda_only` are the entries that need conda.
    """

    lines: tuple[str, ...]
    python: str = ""
    conda_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def pip_requirements(asked: EnvironmentFile, source: str) -> PipRequirements:
    """What stands for a conda file on PyPI; `source` names it in the notes."""
    lines, conda_only, notes = [], [], []
    python = ""
    for package in asked.conda:
        version = _version(package.version)
        if package.name == "python":
            python = python_version(package)
        if _needs_conda(package.name) or version is None:
            conda_only.append(package.written)
            continue
        if package.channel:
            notes.append(f"{source}: {package.written}: from PyPI, not from {package.channel}")
        if package.name not in _NOT_NEEDED:
            name = _ON_PYPI.get(package.name, package.name)
            lines.append(f"{name}{package.extras}{version}")
    for line in asked.pip:
        if _AZURE_S_SERVER.match(line.strip()):
            notes.append(f"{source}: {line}: left out: {_LEFT_OUT}")
        elif _DESIGNER.match(line.strip()):
            notes.append(f"{source}: {line}: left out: {_FOR_OLD_PYTHONS}")
        else:
            lines.append(line)
    return PipRequirements(tuple(lines), python, tuple(conda_only), tuple(notes))


def python_version(package: CondaPackage) -> str:
    """Major and minor version of the Python that a file asks for, as `3.11`; empty where any of
    several will do.
    """
    found = re.fullmatch(r"={0,2}\s*(3\.\d+)(?:\.[\d*]+)*(?:=.*)?", package.version)
    return found[1] if found else ""


def _needs_conda(name: str) -> bool:
    if name in _NOT_NEEDED or name in _LIBRARIES_ON_PYPI:
        return False
    return name in _CONDA_ONLY or name.startswith(_CONDA_ONLY_PREFIXES)


def _version(written: str) -> str | None:
    """A version of conda's as pip writes it, or None where pip cannot."""
    if written in ("", "*"):
        return ""
    if "|" in written:
        return None
    if written.startswith("=") and not written.startswith("=="):  # =1.2, =1.2.*, =1.2.3=py38_0
        version, _, build = written[1:].strip().partition("=")
        return _exact(version) if build else _fuzzy(version)
    if written[0].isdigit():  # 1.2.3, 1.2.3 py38_0, 1.2.3=py38_0, 1.2.*
        return _exact(re.split(r"[\s=]", written)[0])
    pieces = list(_pieces(written))
    return None if None in pieces else ",".join(str(piece) for piece in pieces)


def _pieces(written: str) -> Iterator[str | None]:
    """Each of the conditions that are joined by commas."""
    for piece in written.split(","):
        found = _OPERATORS.fullmatch(piece.strip())
        if found is None:
            yield None
        elif found[1] == "==":  # a build may follow
            yield _exact(re.split(r"[\s=]", found[2])[0])
        else:
            yield f"{found[1]}{found[2]}"


def _exact(version: str) -> str:
    return f"=={version}"


def _fuzzy(version: str) -> str:
    """Conda's =1.2 takes 1.2 and all that begins with `1.2.`"""
    return f"=={version}" if version.endswith("*") else f"=={version}.*"
