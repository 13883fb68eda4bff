"""AZUREML_DEBUG_PORT: the worker waits for the debugger that listens there."""

from __future__ import annotations

import socket

from tests.live.conftest import Serve
from tests.servers import DEADLINE_SECONDS, wait_until

SCRIPT = "def init(): pass\ndef run(data): return data\n"

# Stands for debugpy where a test must be the debugger's user too.
FAKE_DEBUGPY = """
import pathlib, sys, time
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import gates

def connect(port):
    gates.reach(f"connected to {port}")

def wait_for_client():
    gates.wait("client")
"""
MISSING_DEBUGPY = "raise ModuleNotFoundError(\"No module named 'debugpy'\", name='debugpy')\n"


def test_the_worker_connects_to_the_port(launch: Serve) -> None:
    """By the real debugpy, which then waits for the other side to speak."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_SECONDS)
        port = listener.getsockname()[1]
        with launch(SCRIPT, env={"AZUREML_DEBUG_PORT": str(port)}) as server:
            connection, _ = listener.accept()
            with connection:
                assert "!! Starting the inference server in DEBUGGING mode" in server.output
                assert f"** Connecting to debugger at port {port}...\n" in server.output
                assert not server.is_healthy()


def test_the_server_is_ready_once_the_debugger_is(launch: Serve) -> None:
    env = {"AZUREML_DEBUG_PORT": "5678", "PYTHONPATH": "fake"}
    with launch(SCRIPT, env=env, files={"fake/debugpy.py": FAKE_DEBUGPY}) as server:
        server.wait_reached("connected to 5678")
        assert not server.is_healthy()
        server.open("client")
        server.wait_healthy()
        assert server.score("data").json() == "data"


def test_without_debugpy_the_server_ends(launch: Serve) -> None:
    env = {"AZUREML_DEBUG_PORT": "5678", "PYTHONPATH": "fake"}
    with launch(SCRIPT, env=env, files={"fake/debugpy.py": MISSING_DEBUGPY}) as server:
        assert server.wait_exit() != 0
        missing = "** Cannot connect to a debugger because debugpy is not installed."
        wait_until(lambda: missing in server.output, "the log says what is missing")
