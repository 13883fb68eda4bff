"""What a Collector of azureml-ai-monitoring reads in its environment: where to post.

Without these variables a Collector that has no `on_error` raises where the script makes it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, MutableMapping

from scoreserve.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 50011  # the package's own, where Azure's container listens

_ENABLED, _HOST, _PORT = "AZUREML_MDC_ENABLED", "AZUREML_MDC_HOST", "AZUREML_MDC_PORT"
_LOCAL = "AZUREML_MDC_LOCAL_CAPTURE"
_PORTS_TRIED = 100  # servers on one machine, each with one
_HIGHEST_PORT = 65535


def settle(
    environ: MutableMapping[str, str], is_free: Callable[[int], bool] | None = None
) -> list[str]:
    """Sets the variables that are not set already, and returns what is worth a warning.

    The port is the package's own, or the next that `is_free`. Raises ConfigurationError.
    """
    is_free = is_free or _is_free
    if _PORT not in environ:
        ports = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED)
        environ[_PORT] = str(next(filter(is_free, ports), DEFAULT_PORT))
    port_of(environ)
    environ.setdefault(_HOST, LOOPBACK)
    environ.setdefault(_ENABLED, "true")
    warnings = []
    if environ[_HOST] not in {LOOPBACK, "localhost"}:
        warnings.append(
            f"{_HOST}={environ[_HOST]} has the script's model data sent elsewhere: nothing of it"
            " comes to SCORESERVE_MODEL_DATA_DIR. Unset it."
        )
    if environ[_ENABLED].lower() != "true" and not environ.get("AZUREML_MDC_CONFIG_PATH"):
        warnings.append(
            f"{_ENABLED}={environ[_ENABLED]} has the script collect no model data: nothing comes to"
            " SCORESERVE_MODEL_DATA_DIR. Unset it."
        )
    return warnings


def keep_to_itself(environ: MutableMapping[str, str]) -> None:
    """Has a Collector log what it collects and send nothing: there is no receiver."""
    environ.setdefault(_ENABLED, "true")
    environ[_LOCAL] = "true"


def port_of(environ: Mapping[str, str]) -> int:
    """Where the Collector posts to. Raises ConfigurationError."""
    value = environ.get(_PORT, str(DEFAULT_PORT))
    with contextlib.suppress(ValueError):
        if 0 < int(value) <= _HIGHEST_PORT:
            return int(value)
    raise ConfigurationError(
        _PORT,
        f"A port between 1 and {_HIGHEST_PORT} is needed, not {value!r}"
        f" (environment variable: {_PORT})",
        f"environment variable: {_PORT}",
        "Unset it: a free port is taken then. Or set it to the port that the script's Collector"
        " is to post to.",
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
