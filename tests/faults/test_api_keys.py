"""API keys: asked for where scoring is, nowhere else, and shown nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import Server, wait_until

OLD, NEW = "old-key-5b3a", "new-key-9f71"

SCRIPT = """
import os
def init(): pass
def run(data):
    return data or [name for name, value in os.environ.items() if "-key-" in value]
"""


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    env = {
        "SCORESERVE_FAST_PATH": request.param,
        "SCORESERVE_API_KEYS": f"{OLD}, {NEW}",
        "AML_CORS_ORIGINS": "http://page.test",
    }
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server"), env=env) as server:
        yield server


@pytest.mark.parametrize("key", [OLD, NEW], ids=["old", "new"])
def test_each_key_lets_in(server: Server, key: str) -> None:
    assert server.score("data", Authorization=f"Bearer {key}").json() == "data"
    assert server.score("data", Authorization=f"bearer  {key}").json() == "data"


@pytest.mark.parametrize(
    "value",
    [None, "", "Bearer", "Bearer ", f"Bearer {OLD}x", f"Bearer {OLD[:-1]}", OLD, f"Basic {OLD}"],
    ids=["none", "empty", "scheme", "no key", "longer", "shorter", "no scheme", "other scheme"],
)
def test_anything_else_does_not(server: Server, value: str | None) -> None:
    headers = {} if value is None else {"Authorization": value}
    reply = server.score("data", **headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["x-request-id"]
    assert "Authorization: Bearer" in reply.message


def test_it_is_refused_before_its_body_comes(server: Server) -> None:
    client = server.raw()
    client.sendall(b"POST /score HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
    assert client.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize(
    "path", ["/swagger.json", "/docs/openapi.json", "/status/details.json", "//score", "/score?a=1"]
)
def test_other_ways_to_the_script_need_one_too(server: Server, path: str) -> None:
    assert server.get(path).status == 401
    assert server.send("HEAD", path).reply().status == 401
    headers = {"Authorization": f"Bearer {NEW}"}
    assert server.send("GET", path, headers=headers).reply().status == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/status"])
def test_health_and_the_pages_need_none(server: Server, path: str) -> None:
    assert server.get(path).status == 200


def test_a_preflight_needs_none(server: Server) -> None:
    headers = {
        "Origin": "http://page.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    reply = server.send("OPTIONS", "/score", headers=headers).reply()
    assert reply.status == 200
    assert reply.headers["access-control-allow-headers"] == "authorization"


def test_nothing_shows_them(server: Server) -> None:
    assert server.score(Authorization=f"Bearer {OLD}").json() == []
    for key in (OLD, NEW):
        assert key not in server.output
        for pid in server.workers():
            assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def test_preflights_never_reach_a_script_that_takes_options(serve: Serve) -> None:
    script = """
from azureml_inference_server_http.api.aml_request import rawhttp
def init(): pass
@rawhttp
def run(request): raise RuntimeError("called")
"""
    with serve(script, env={"SCORESERVE_API_KEYS": OLD}) as server:
        assert server.send("OPTIONS", "/score").reply().status == 200


def test_a_file_of_keys_is_followed(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{OLD}\n")
    with serve(SCRIPT, env={"SCORESERVE_API_KEYS_FILE": "keys"}) as server:

        def status(key: str) -> int:
            return server.score("data", Authorization=f"Bearer {key}").status

        assert (status(OLD), status(NEW)) == (200, 401)
        file.write_text(f"{OLD}\n\n{NEW}\n")
        wait_until(lambda: status(NEW) == 200, "the new key is let in")
        assert status(OLD) == 200
        file.write_text(f"{NEW}\n")
        wait_until(lambda: status(OLD) == 401, "the old key is not let in any more")
        file.write_text("")
        wait_until(lambda: "stay as they were" in server.output, "the empty file is told of")
        assert (status(OLD), status(NEW)) == (401, 200)


@pytest.mark.parametrize(
    "env",
    [
        {"SCORESERVE_API_KEYS": ""},
        {"SCORESERVE_API_KEYS": " , "},
        {"SCORESERVE_API_KEYS": f"{OLD} {NEW}"},
        {"SCORESERVE_API_KEYS_FILE": "empty"},
        {"SCORESERVE_API_KEYS_FILE": "missing"},
        {"SCORESERVE_API_KEYS_FILE": ""},
    ],
    ids=str,
)
def test_without_a_usable_key_it_does_not_start(launch: Serve, env: dict[str, str]) -> None:
    with launch(SCRIPT, env=env, files={"empty": "\n \n"}) as server:
        assert server.wait_exit() == 3
        assert next(iter(env)) in server.output
        assert OLD not in server.output


def test_the_script_finds_no_key_in_the_environment_of_its_parents(serve: Serve) -> None:
    script = """
import os
def init(): pass
def run(data):
    found, pid = [], os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found.append("the-secret" in file.read().decode())
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
        if len(found) == 3:  # worker, front, arbiter
            return found
"""
    with serve(script, env={"SCORESERVE_API_KEYS": "the-secret"}) as server:
        reply = server.score(Authorization="Bearer the-secret")
        assert reply.json() == [False, False, False]
