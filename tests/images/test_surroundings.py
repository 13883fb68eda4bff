"""The restrictions that containers are run under."""

from __future__ import annotations

import pytest

from tests.images.conftest import CPU, Run

pytestmark = pytest.mark.images

WHOAMI = """
import os
def init(): pass
def run(data): return [os.getuid(), os.getgid()]
"""

GREEDY = """
def init(): pass

def run(data):
    weights = bytearray(int(data))
    return len(weights)
"""

READ_ONLY = ("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp")


class TestRestrictions:
    def test_runs_as_a_user_without_rights(self, run: Run) -> None:
        with run(CPU, script=WHOAMI) as container:
            container.wait_healthy()
            assert container.score("").json() == [1000, 0]
            assert container.run("id", "-un") == "dockeruser"

    @pytest.mark.parametrize("user", ["4321", "4321:8765"])
    def test_runs_as_an_arbitrary_uid(self, run: Run, command: tuple[str, ...], user: str) -> None:
        uid, _, gid = user.partition(":")
        with run(CPU, *command, script=WHOAMI, options=("--user", user)) as container:
            container.wait_healthy()
            assert container.score("").json() == [int(uid), int(gid or 0)]
            assert container.stop() == 0

    @pytest.mark.parametrize("user", ["1000", "4321:8765"])
    def test_runs_read_only(self, run: Run, command: tuple[str, ...], user: str) -> None:
        options = (*READ_ONLY, "--cap-drop", "all", "--user", user)
        with run(CPU, *command, options=options) as container:
            container.wait_healthy()
            assert container.score("hello").json() == "hello"
            assert container.stop() == 0

    def test_a_model_over_the_memory_limit_costs_one_request(self, run: Run) -> None:
        options = ("--memory", "400m", "--memory-swap", "400m")
        with run(CPU, script=GREEDY, options=options) as container:
            container.wait_healthy()
            reply = container.score(str(1 << 30))
            assert reply.status == 502
            assert "memory limit was reached" in reply.message
            assert container.score("1024").json() == 1024
            assert "memory limit was reached" in container.logs
            assert container.stop() == 0
