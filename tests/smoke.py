"""Installs nothing and needs nothing but Python: does the scoreserve of this environment serve?

    python tests/smoke.py [--compiled yes|no]

Runs its commands on a script of its own in an empty directory: serves it, scores, stops it. This is
what every built wheel has to pass (`make release-check`, and cibuildwheel in the release workflow).
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

DEADLINE_SECONDS = 60
SCRIPT = """
import json

def init():
    global factor
    factor = 2

def run(data):
    return [factor * number for number in json.loads(data)["data"]]
"""

SERVE: dict[str, Callable[[int], list[str]]] = {
    "scoreserve": lambda port: [
        *("-m", "scoreserve", "serve"),
        *("--entry-script", "score.py", "--port", str(port)),
    ],
    "azmlinfsrv, by the reference's name": lambda port: [
        *("-m", "azureml_inference_server_http"),
        *("--entry_script", "score.py", "--port", str(port)),
    ],
}


def main() -> None:
    """The command line. Raises AssertionError for what does not work."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--compiled", choices=("yes", "no"), help="what it must be")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        version = subprocess.check_output(
            [sys.executable, "-m", "scoreserve", "--version"], text=True, cwd=directory
        ).strip()
        if arguments.compiled:
            assert ("(compiled)" in version) == (arguments.compiled == "yes"), version
        Path(directory, "score.py").write_text(SCRIPT, encoding="utf-8")
        for name, command in SERVE.items():
            check(directory, command)
            print(f"{version}, Python {sys.version.split()[0]}: {name} serves, scores and stops")


def check(directory: str, command: Callable[[int], list[str]]) -> None:
    """Serves the script in the directory, asks it, and ends the server."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, *command(port)], cwd=directory, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/", server)
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/score",
                b'{"data": [1, 2.5]}',
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as reply:
                answer = json.load(reply)
            assert answer == [2, 5.0], answer
            server.send_signal(signal.SIGTERM)
            code = server.wait(DEADLINE_SECONDS)
            assert code == 0, f"after SIGTERM the server exits with {code}"
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            server.kill()
            server.wait()


def wait_until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    """Returns when `url` is answered 200."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_healthy(url):
        assert server.poll() is None, f"the server ends with {server.returncode}"
        assert time.monotonic() < deadline, "the server is not healthy"
        time.sleep(0.1)


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_SECONDS):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
