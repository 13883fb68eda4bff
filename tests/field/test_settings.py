"""Settings as charts, compose files and editors write them: each is of use, or is refused at start.

What a server says it can do with them, it does for every request.
"""

from __future__ import annotations

import gzip

import pytest

from tests.live.conftest import Serve

ECHO = "def init(): pass\ndef run(data): return data\n"
ROWS = """
import json
def init(): pass
def run(data):
    return [sum(row) for row in json.loads(data)["data"]]
"""
RAW = """
from azureml.contrib.services.aml_request import rawhttp
def init(): pass
@rawhttp
def run(request):
    return request.get_data().hex()
"""
SCHEMA = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema("data", StandardPythonParameterType("x"))
def run(data): return data
"""


@pytest.mark.parametrize("timeout", ["0", "9999999999999", "99999999999999"])
@pytest.mark.parametrize("batch", ["1", "16"])
def test_a_time_without_an_end_fails_no_request(serve: Serve, timeout: str, batch: str) -> None:
    """Neither alone nor merged, nor while it is found out whether requests can be merged."""
    env = {"SCORING_TIMEOUT_MS": timeout, "SCORESERVE_MAX_BATCH_SIZE": batch}
    with serve(ROWS, env=env) as server:
        bodies = [(f'{{"data": [[{number}, 1]]}}', [number + 1]) for number in range(30)]
        pending = [(server.start_score(body), expected) for body, expected in bodies]
        replies = [(each.reply(), expected) for each, expected in pending]
        assert all(reply.status == 200 for reply, _ in replies)
        assert all(reply.json() == expected for reply, expected in replies)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCORING_TIMEOUT_MS", "-1"),
        ("SCORING_TIMEOUT_MS", "1 h"),
        ("WORKER_TIMEOUT", "-1"),
        ("WORKER_COUNT", "1000000"),
        ("SCORESERVE_KEEP_ALIVE_SECONDS", "0"),
        ("SCORESERVE_HOST", "0.0.0.0:8080"),
    ],
)
@pytest.mark.parametrize("origin", ["variable", "file"])
def test_nonsense_is_refused_with_its_value_and_its_origin(
    launch: Serve, name: str, value: str, origin: str
) -> None:
    env = {name: value} if origin == "variable" else {}
    files = {"config.json": f'{{"{name}": "{value}"}}'} if origin == "file" else {}
    with launch(ECHO, env=env, files=files) as server:
        assert server.wait_exit() == 3
        config = server.directory / "config.json"
        where = f"environment variable: {name}" if env else f"config file: {config}"
        assert f"{name}: Input should be" in server.output
        assert f"({where}). The value is '{value}'." in server.output


@pytest.mark.parametrize("level", ["", "verbose"])
def test_a_log_level_of_another_vocabulary_is_told_and_info(serve: Serve, level: str) -> None:
    with serve(ECHO, env={"AZUREML_LOG_LEVEL": level}) as server:
        assert server.score("data").json() == "data"
        assert f"The value is {level!r}. 'INFO' is used instead." in server.output
        assert "Invoking user's init function" in server.output


def test_a_version_of_two_lines_makes_no_header(serve: Serve) -> None:
    env = {
        "SERVER_VERSION_LOG_RESPONSE_ENABLED": "false",
        "HTTP_X_MS_SERVER_VERSION": "1\r\nx-mine: yes",
    }
    with serve(ECHO, env=env) as server:
        headers = server.score("data").headers
        assert not {"x-ms-server-version", "x-mine"} & headers.keys()


def test_a_config_file_may_begin_with_a_byte_order_mark(serve: Serve) -> None:
    files = {"config.json": '\ufeff{"WORKER_COUNT": 2}'}
    with serve(ECHO, files=files) as server:
        assert server.score("data").json() == "data"
        assert "Worker Count: 2" in server.output


@pytest.mark.parametrize("script", [ECHO, SCHEMA], ids=["text", "schema"])
def test_a_compressed_body_is_refused_by_its_coding(serve: Serve, script: str) -> None:
    headers = {"Content_Type": "application/json", "Content_Encoding": "gzip"}
    with serve(script) as server:
        reply = server.score(gzip.compress(b'{"data": "hello"}'), **headers)
        assert reply.status == 415
        assert "Content-Encoding gzip" in reply.message
        assert server.score(b'{"data": "hello"}', **headers).status == 200


def test_a_raw_script_gets_a_compressed_body_as_it_is(serve: Serve) -> None:
    body = gzip.compress(b"hello")
    with serve(RAW) as server:
        assert server.score(body, Content_Encoding="gzip").json() == body.hex()
