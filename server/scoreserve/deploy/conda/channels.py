"""Environments of conda's own packages, solved and installed from channels by py-rattler."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scoreserve.deploy.conda import tools
from scoreserve.errors import DeploymentError

_DEFAULT_CHANNELS = ("conda-forge",)
# What conda's names for its publisher's channels stand for.
_ALIASES = {
    "defaults": "https://repo.anaconda.com/pkgs/main",
    "main": "https://repo.anaconda.com/pkgs/main",
}
_NO_DEFAULTS = "nodefaults"  # says that there are no others, as here


def install(prefix: Path, specs: Sequence[str], channels: Sequence[str]) -> None:
    """Makes an environment hold these packages, as conda writes them, and what they depend on; what
    it holds already stays where it can. Raises DeploymentError.
    """
    rattler = tools.module("rattler", "py-rattler")
    errors = importlib.import_module("rattler.exceptions")
    places = [_ALIASES.get(each, each) for each in channels if each != _NO_DEFAULTS]
    places = places or list(_DEFAULT_CHANNELS)
    records = prefix.glob("conda-meta/*.json")
    installed = [rattler.PrefixRecord.from_path(path) for path in records]
    try:
        asyncio.run(_install(rattler, prefix, installed, specs, places))
    except (
        errors.FetchRepoDataError,
        errors.GatewayError,
        errors.InvalidChannelError,
        errors.InvalidUrlError,
        errors.IoError,
    ) as error:
        raise DeploymentError(f"{', '.join(places)} cannot be read: {_one_line(error)}") from None
    except errors.SolverError as error:
        raise DeploymentError(f"{', '.join(places)}: {_one_line(error)}") from None
    except (errors.InvalidMatchSpecError, errors.InstallerError, errors.TransactionError) as error:
        raise DeploymentError(_one_line(error)) from None


async def _install(
    rattler: Any,
    prefix: Path,
    installed: Sequence[Any],
    specs: Sequence[str],
    channels: Sequence[str],
) -> None:
    solved = await rattler.solve(
        sources=list(channels),
        specs=[rattler.MatchSpec(spec, strict=False) for spec in specs],
        locked_packages=installed,
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    # On the same disk: files of the environment are links to those of the cache, and stay.
    with tempfile.TemporaryDirectory(dir=prefix.parent, prefix=".packages-") as cache:
        await rattler.install(
            solved,
            target_prefix=prefix,
            cache_dir=cache,
            installed_packages=list(installed) or None,
            show_progress=False,
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
