"""Where scripts and settings come from, and what of the user's surroundings scripts see."""

from __future__ import annotations

import json

import pytest

from tests.live.conftest import Serve

TELLS = """
import os
import beside
NAMES = ("AZUREML_MODEL_DIR", "AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "WORKER_COUNT")

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.txt")) as file:
        model = file.read()

def run(data):
    environ = {name: os.environ.get(name) for name in NAMES}
    return {**environ, "model": model, "beside": beside.NAME, "cwd": os.getcwd()}
"""

FILES = {
    "app/code/score.py": TELLS,
    "app/code/beside.py": "NAME = 'beside the script'",
    "models/model.txt": "weights",
}

ECHO = "def init(): pass\ndef run(data): return data\n"


class TestScoreserve:
    """`scoreserve serve`, without a flag."""

    def test_is_set_up_by_the_environment(self, serve: Serve) -> None:
        env = {
            "AZUREML_ENTRY_SCRIPT": "code/score.py",
            "AZUREML_MODEL_DIR": "models",
            "AML_APP_ROOT": "app",
            "WORKER_COUNT": "2",
        }
        more = {"AZUREML_SOURCE_DIRECTORY": "code"}
        with serve(
            None, program="scoreserve", args=["serve"], files=FILES, env={**env, **more}
        ) as server:
            found = server.score().json()
            assert {name: found[name] for name in env} == env
            assert (found["model"], found["beside"]) == ("weights", "beside the script")
            assert found["cwd"] == str(server.directory)
            assert len(server.workers()) == 2

    def test_is_set_up_by_config_json(self, serve: Serve) -> None:
        config = {
            "AZUREML_ENTRY_SCRIPT": "code/score.py",
            "AML_APP_ROOT": "app",
            "AZUREML_SOURCE_DIRECTORY": "code",
            "AZUREML_MODEL_DIR": "models",
            "WORKER_COUNT": 2,
            "SCORESERVE_MAX_BODY_BYTES": 10,
        }
        files = {**FILES, "config.json": json.dumps(config)}
        with serve(None, program="scoreserve", args=["serve"], files=files) as server:
            found = server.score().json()
            assert found["model"] == "weights"
            assert found["WORKER_COUNT"] == "2"
            assert len(server.workers()) == 2
            assert server.score("12345678901").status == 413

    def test_without_a_script_serves_the_module_main(self, serve: Serve) -> None:
        with serve(None, program="scoreserve", args=["serve"], files={"main.py": ECHO}) as server:
            assert server.score("data").json() == "data"


def test_azmlinfsrv_takes_everything_from_a_config_file(serve: Serve) -> None:
    config = {
        "AZUREML_ENTRY_SCRIPT": "code/score.py",
        "AML_APP_ROOT": "app",
        "AZUREML_SOURCE_DIRECTORY": "code",
        "AZUREML_MODEL_DIR": "models",
    }
    files = {**FILES, "mine.json": json.dumps(config)}
    with serve(None, args=["--config_file", "mine.json"], files=files) as server:
        assert server.score().json()["model"] == "weights"


THREADS = """
import os
AT_IMPORT = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
def init(): pass
def run(data): return AT_IMPORT
"""


class TestThreads:
    """How many the script's libraries shall start, told before it is imported."""

    def test_are_set(self, serve: Serve) -> None:
        with serve(THREADS, env={"MKL_NUM_THREADS": "7"}) as server:
            found = server.score().json()
            assert int(found["OMP_NUM_THREADS"]) >= 1
            assert found["MKL_NUM_THREADS"] == "7"
            assert f"OMP_NUM_THREADS={found['OMP_NUM_THREADS']} " in server.output

    def test_are_left_alone_on_demand(self, serve: Serve) -> None:
        with serve(THREADS, env={"SCORESERVE_SHARE_CPUS": "false"}) as server:
            assert server.score().json() == {"OMP_NUM_THREADS": None, "MKL_NUM_THREADS": None}


NAMES = ("utils", "config", "server", "main", "wire", "settings", "front", "worker", "errors")
NAMED_LIKE_OURS = f"""
import {", ".join(NAMES)}
def init(): pass
def run(data):
    return [module.OWNER for module in ({", ".join(NAMES)})]
"""
# Also files named like modules that the server or its libraries import, perhaps late.
USERS_FILES = {f"{name}.py": "OWNER = 'user'" for name in (*NAMES, "queue", "uvicorn", "orjson")}


@pytest.mark.parametrize(
    ("program", "args"),
    [
        ("azmlinfsrv", ["--entry_script", "score.py"]),
        ("scoreserve", ["serve", "--entry-script", "score.py"]),
    ],
    ids=["azmlinfsrv", "scoreserve"],
)
@pytest.mark.parametrize("env", [{}, {"AML_APP_ROOT": "/"}], ids=["app root", "elsewhere"])
def test_modules_of_the_users_win_over_ours_and_break_nothing(
    serve: Serve, program: str, args: list[str], env: dict[str, str]
) -> None:
    """Whether they lie in the app root, which is searched last, or elsewhere, searched first."""
    with serve(NAMED_LIKE_OURS, program=program, args=args, files=USERS_FILES, env=env) as server:
        assert server.score().json() == ["user"] * len(NAMES)
        assert server.get("/").status == 200


def test_the_script_leaves_no_bytecode_behind(serve: Serve) -> None:
    with serve(ECHO) as server:
        server.score()
        left = {path.name for path in server.directory.iterdir()}
        assert left == {"score.py", "gates.py", server.log.name}


def test_the_server_needs_no_writable_directory(serve: Serve) -> None:
    """Containers may be read-only but for /tmp; here the script's directory is."""
    with serve(
        "import os\ndef init(): os.chmod('.', 0o555)\ndef run(data): return data\n"
    ) as server:
        try:
            assert server.score("data").json() == "data"
        finally:
            server.directory.chmod(0o755)
