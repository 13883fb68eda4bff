"""Which Python an environment gets: the image's, where that is among those asked for; else another
one of this machine or of uv's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from scoreserve.deploy.conda import tools
from scoreserve.errors import DeploymentError

Minor = tuple[int, int]  # 3, 13

OLDEST: Minor = (3, 10)  # that the server runs on
NEWEST: Minor = (3, 14)

# `>=3.8`, `=3.10`, `3.11.*`, `==3.8.13`; and a build, which says nothing of the version.
_CONDITION = re.compile(
    r"(?P<operator>==|>=|<=|!=|~=|=|>|<)?\s*(?P<major>\d+)(?:\.(?P<minor>\d+))?"
    r"(?P<micro>\.\d[\w.]*)?(?:\.?\*)?(?:[\s=]\S+)?"
)


def minor_of(version: str) -> Minor:
    """A version that is written as `3.11`."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def choose(asked: str, ours: Minor) -> Minor | None:
    """The Python for an environment: `ours` where it is among those that conda's version text
    `asked` admits, else the newest that is and that the server runs on; None where there is none.
    """
    candidates = [ours, *((3, minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1))]
    return next((each for each in candidates if admits(asked, each)), None)


def admits(asked: str, version: Minor) -> bool:
    """Whether some release of a minor version is among those that conda's version text asks for.
    A text that cannot be read admits all.
    """
    return any(
        all(_holds(condition.strip(), version) for condition in each.split(","))
        for each in asked.split("|")
    )


def _holds(condition: str, version: Minor) -> bool:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        return True
    major, minor = int(found["major"]), found["minor"]
    if minor is None:  # of the major version alone
        return _compares(found["operator"] or "=", (version[0],), (major,), micro=False)
    return _compares(found["operator"] or "=", version, (major, int(minor)), bool(found["micro"]))


def _compares(operator: str, version: tuple[int, ...], asked: tuple[int, ...], micro: bool) -> bool:
    """`micro`: a release of `asked` is named, and others of the same minor version differ."""
    if operator == "~=":
        return version == asked if micro else version >= asked and version[0] == asked[0]
    if operator == "!=":
        return micro or version != asked
    if operator in (">", "<") and micro:
        operator += "="
    return {
        "=": version == asked,
        "==": version == asked,
        ">=": version >= asked,
        "<=": version <= asked,
        ">": version > asked,
        "<": version < asked,
    }[operator]


def find(version: Minor, folder: Path) -> str:
    """Path of an interpreter of this version: one on PATH, else uv's, which go into `folder`.
    Raises DeploymentError.
    """
    name = ".".join(map(str, version))
    here = shutil.which(f"python{name}")
    if here is not None:
        return here
    uv = tools.program("uv")
    options = ("--install-dir", str(folder), "--no-bin")
    done = _run(uv, "python", "install", name, *options)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise DeploymentError(f"uv cannot fetch Python {name}: {said[-1].strip(' │├╰─▶')}")
    found = sorted(folder.glob(f"cpython-{name}.*/bin/python{name}"))
    if not found:
        raise DeploymentError(f"uv has put no Python {name} into {folder}")
    return str(found[-1])


def version_of(python: str) -> Minor:
    """The version of an interpreter. Raises DeploymentError."""
    done = _run(python, "-c", "import sys; print(*sys.version_info[:2])")
    if done.returncode != 0:
        raise DeploymentError(f"{python} does not run: {done.stderr.strip()}")
    major, minor = done.stdout.split()
    return int(major), int(minor)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
