"""Waits for a debugger when AZUREML_DEBUG_PORT asks for one: the worker connects to it."""

from __future__ import annotations

import sys

_MISSING = -1  # the reference's exit code


def attach(port: int) -> None:
    """Connects to the debug adapter that listens on `port` of this host, and waits for it.

    Exits the process when debugpy is not installed.
    """
    print("!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set.")
    print("!! This environment variable should not be set in a production environment.")
    try:
        import debugpy
    except ModuleNotFoundError:
        print("** Cannot connect to a debugger because debugpy is not installed.")
        sys.exit(_MISSING)
    print(f"** Connecting to debugger at port {port}...")
    debugpy.connect(port)
    debugpy.wait_for_client()
