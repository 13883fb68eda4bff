"""How containers start, answer and end, in both ways of starting them."""

from __future__ import annotations

import pytest

from tests.images.conftest import CPU, Run
from tests.servers import wait_until

pytestmark = pytest.mark.images

Command = tuple[str, ...]

WAITS = """
import gates

def init(): pass

def run(data):
    gates.reach("run")
    gates.wait("run")
    return data
"""

FAILS = """
def init(): raise ValueError("no such weights")
def run(data): pass
"""

# Leaves a process behind that becomes process 1's and ends with 3, gunicorn's code for a failed
# start of one of its own.
ORPHANS = """
import subprocess

def init(): pass

def run(data):
    shell = "sh -c 'until [ -e orphan.open ]; do sleep 0.1; done; exit 3' > /dev/null & echo $!"
    return subprocess.check_output(shell, shell=True, text=True)
"""


class TestServing:
    def test_scores_through_a_published_port(self, run: Run, image: str, command: Command) -> None:
        with run(image, *command) as container:
            container.wait_healthy()
            reply = container.score("hello")
            assert (reply.status, reply.json()) == (200, "hello")
            assert reply.headers["x-ms-server-version"].startswith("scoreserve/")
            assert container.stop() == 0

    def test_the_server_is_process_1(self, run: Run) -> None:
        with run(CPU) as container:
            container.wait_healthy()
            assert container.process(1).endswith("scoreserve serve ")

    def test_the_service_is_known_to_runit(self, run: Run) -> None:
        with run(CPU, "runsvdir", "/var/runit") as container:
            container.wait_healthy()
            assert container.run("sv", "status", "gunicorn").startswith("run: gunicorn")

    def test_turns_healthy(self, run: Run, command: Command) -> None:
        """Not before the script's init() is done."""
        slow = "import gates\ndef init(): gates.reach('init'); gates.wait('init')\n"
        with run(CPU, *command, script=slow + "def run(data): return data\n") as container:
            container.wait_reached("init")
            container.check_health()
            assert container.health == "starting"
            container.open("init")
            container.wait_check_passes()
            assert container.health == "healthy"

    def test_orphans_are_reaped_and_end_nothing(self, run: Run, command: Command) -> None:
        with run(CPU, *command, script=ORPHANS) as container:
            container.wait_healthy()
            orphan = int(container.score("").json())
            container.open("orphan")
            wait_until(
                lambda: not container.run("sh", "-c", f"ls -d /proc/{orphan} || true"),
                "the orphan is reaped",
            )
            assert container.score("").status == 200
            assert container.stop() == 0


class TestEnding:
    def test_sigterm_answers_what_is_in_hand(self, run: Run, command: Command) -> None:
        with run(CPU, *command, script=WAITS) as container:
            container.wait_healthy()
            pending = container.start_score("last words")
            container.wait_reached("run")
            container.signal("TERM")
            container.wait_logged("Handling signal: term")
            container.open("run")
            assert pending.result().json() == "last words"
            assert container.wait_exit() == 0

    def test_a_failed_start_ends_the_container(
        self, run: Run, image: str, command: Command
    ) -> None:
        with run(image, *command, script=FAILS) as container:
            assert container.wait_exit() == 3
            assert "no such weights" in container.logs

    def test_a_server_killed_ends_the_container(self, run: Run) -> None:
        """As a crash in the default CMD does: whoever runs it decides about starting it again."""
        with run(CPU, "runsvdir", "/var/runit") as container:
            container.wait_healthy()
            container.run("sh", "-c", "kill -KILL $(cat /var/runit/gunicorn/supervise/pid)")
            assert container.wait_exit() == 128 + 9
            assert "Exit code 137 is not normal. Killing image." in container.logs

    def test_a_service_of_the_users_ends_the_container(
        self, run: Run, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """As the services of Azure ML's images do; the exit code is runit's."""
        service = tmp_path_factory.mktemp("service")
        hang_up = "read -r _ _ _ runsvdir _ < /proc/$PPID/stat; kill -HUP $runsvdir"
        wait = "until [ -e /var/azureml-app/fail.open ]; do sleep 0.1; done; exit 1"
        for name, command in {"run": wait, "finish": hang_up}.items():
            (service / name).write_text(f"#!/bin/sh\n{command}\n")
            (service / name).chmod(0o755)
        service.chmod(0o777)
        options = ("--volume", f"{service}:/var/runit/mine")
        with run(CPU, "runsvdir", "/var/runit", options=options) as container:
            container.wait_healthy()
            container.open("fail")
            assert container.wait_exit() == 111
