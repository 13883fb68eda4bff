"""The receiver and what it keeps, asked over HTTP: by hand and by the real Collector."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from scoreserve.settings import Settings
from scoreserve.telemetry.model_data import output, receiver
from scoreserve.telemetry.model_data.files import CollectedFiles
from scoreserve.telemetry.model_data.output import ModelDataOutput
from scoreserve.telemetry.model_data.receiver import MOST_BYTES
from tests.ports import free_port
from tests.servers import wait_until
from tests.telemetry import azure_collector

HEADERS = {"ce-type": "azureml.inference.inputs", "Content-Type": "application/json"}


@contextmanager
def receiving(directory: Path, port: int, **limits: int) -> Iterator[ModelDataOutput]:
    """An output that keeps what it gets in `directory`."""
    opened = ModelDataOutput(CollectedFiles(str(directory), "host", **limits), port, "/here")
    try:
        yield opened
    finally:
        opened.close(time.monotonic() + 10)


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def ask(
    port: int,
    method: str = "POST",
    path: str = "/modeldata/log",
    body: bytes = b"[1]",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """Status and text of the answer."""
    wait_until(lambda: is_listening(port), "it is there")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request(method, path, body, {**HEADERS, **headers})
    response = client.getresponse()
    return response.status, response.read().decode()


def kept(directory: Path) -> list[Any]:
    """The events in all files, a collection after the other."""
    return [
        json.loads(line)
        for path in sorted(directory.rglob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_what_is_posted_is_kept(tmp_path: Path) -> None:
    port = free_port()
    with receiving(tmp_path, port) as opened:
        assert ask(port, body=b'[{"a": 1}]') == (202, "")
        (event,) = kept(tmp_path)
        assert (event["data"], event["source"]) == ([{"a": 1}], "/here")
        assert not opened.take_dropped()


def test_what_cannot_be_kept_is_refused_and_the_next_is_kept(tmp_path: Path) -> None:
    port = free_port()
    with receiving(tmp_path, port) as opened:
        assert ask(port, path="/") == (404, "Model data is posted to /modeldata/log.")
        assert ask(port, method="GET")[0] == 501
        assert ask(port, body=b"{")[0] == 400
        assert ask(port, headers={"ce-type": "azureml.inference.../up"})[0] == 400
        assert ask(port, headers={"Content-Length": "-1"})[0] == 400
        assert ask(port, headers={"Content-Length": "9" * 5000})[0] == 413
        assert ask(port, headers={"Content-Length": "0" * 5000})[0] == 400  # no JSON
        status, text = ask(port, headers={"Content-Length": str(MOST_BYTES + 1)})
        assert (status, "16,777,216 are the most" in text) == (413, True)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /modeldata/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert client.makefile("rb").readline().split()[1] == b"411"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /modeldata/log HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort")
            client.shutdown(socket.SHUT_WR)
            assert client.makefile("rb").readline().split()[1] == b"400"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        assert ask(port) == (202, "")
        assert len(kept(tmp_path)) == 1
        assert not opened.take_dropped()


def test_a_post_that_trickles_in_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "_POST_SECONDS", 0.3)
    port = free_port()
    with receiving(tmp_path, port):
        wait_until(lambda: is_listening(port), "it is there")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /modeldata/log HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
            client.settimeout(0.01)
            wait_until(lambda: is_given_up(client), "it is given up")
            monkeypatch.undo()
            assert ask(port) == (202, "")


def is_given_up(client: socket.socket) -> bool:
    """Sends a byte, and looks whether the other end is closed."""
    try:
        client.sendall(b"1")
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_only_this_machine_can_post(tmp_path: Path) -> None:
    port = free_port()
    with receiving(tmp_path, port):
        wait_until(lambda: is_listening(port), "it is there")
        with socket.socket() as other:  # of a loopback address that is not 127.0.0.1
            assert other.connect_ex(("127.0.0.2", port)) != 0


def test_what_cannot_be_written_is_accepted_counted_and_told_once(
    tmp_path: Path, server_log: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    in_the_way = tmp_path / "data"
    in_the_way.touch()
    with receiving(in_the_way, port) as opened:
        assert ask(port) == ask(port) == (202, "")
        assert opened.take_dropped() == {"export_failed": 2}
        in_the_way.unlink()
        assert ask(port) == (202, "")
        assert not opened.take_dropped()
        assert len(kept(tmp_path)) == 1
    told = [record.getMessage() for record in server_log.records]
    assert sum("cannot be written" in line for line in told) == 1
    assert told[-1] == "Model data is written again"


def test_the_port_is_waited_for(
    tmp_path: Path, server_log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_BIND_AGAIN_SECONDS", 0.01)
    port = free_port()
    taken = socket.create_server(("127.0.0.1", port))
    with receiving(tmp_path, port):
        with taken:
            wait_until(lambda: server_log.records, "it says so")
        wait_until(lambda: is_listening(port), "it has the port")
        assert ask(port) == (202, "")
    (told,) = [
        record.getMessage() for record in server_log.records if record.levelname == "WARNING"
    ]
    assert f"cannot be received on 127.0.0.1:{port}: Address already in use" in told


def test_it_can_end_without_ever_having_had_the_port(tmp_path: Path) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),
        receiving(tmp_path, port) as opened,
    ):
        opened.close(time.monotonic() + 30)
        assert not opened._thread.is_alive()


def test_what_was_posted_before_the_end_is_kept(tmp_path: Path) -> None:
    """A worker that has just ended leaves posts behind that nobody has read yet."""
    port = free_port()
    head = "POST /modeldata/log HTTP/1.1\r\nContent-Length: 3\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    with receiving(tmp_path, port) as opened:
        wait_until(lambda: is_listening(port), "it is there")
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for client in clients:
            client.sendall(f"{head}\r\n[1]".encode())
        opened.close(time.monotonic() + 30)
        for client in clients:
            client.close()
    assert len(kept(tmp_path)) == 20


def test_servers_on_one_machine_have_files_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(model_data_dir=str(tmp_path), service_name="my service")
    opened = output.opened(settings, {"AZUREML_MDC_PORT": str(port)})
    assert ask(port) == (202, "")
    opened.close(time.monotonic() + 30)
    (path,) = tmp_path.rglob("*.jsonl")
    assert path.name == f"{socket.gethostname()}-{port}.jsonl"
    (event,) = kept(tmp_path)
    assert event["source"] == f"/scoreserve/my%20service/{path.stem}"


@azure_collector.needed
def test_the_real_collector(tmp_path: Path) -> None:
    """Of frames, with its contexts, its errors and its compact format."""
    script = """
import os
import pandas as pd
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.ai.monitoring.init import teardown

frame = pd.DataFrame({"a": [1, None], "ä": ["x", "ünï"], "b": pd.to_datetime(["2026-11-30"] * 2)})
inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")
context = inputs.collect(frame)
outputs.collect(pd.DataFrame({"y": [True, False]}), context)
mine = BasicCorrelationContext(id="mine", timestamp=1669884690, headers={"tenant": "blue"})
inputs.collect(frame[:0], mine)
try:
    outputs.collect([1, 2])
except TypeError as error:
    print(error)
errors = []
Collector(name="model_inputs", on_error=errors.append).collect({"a": 1})
print(errors)
print(context.get_id())
teardown(wait_for_flush=True)

os.environ["AZUREML_MDC_FORMAT_COMPACT"] = "true"
Collector(name="model_inputs").collect(frame[["a"]])
teardown(wait_for_flush=True)
"""
    port = free_port()
    env = {"AZUREML_MDC_ENABLED": "true", "AZUREML_MDC_PORT": str(port)}
    with receiving(tmp_path, port):
        wait_until(lambda: is_listening(port), "it is there")
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **azure_collector.on_path(), **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    said = [line for line in done.stdout.splitlines() if " | mdc" not in line]
    assert len(said) == 3
    assert all("data type" in line and "not supported" in line for line in said[:2])
    first, empty, compact, result = kept(tmp_path)
    assert [row["ä"] for row in first["data"]] == ["x", "ünï"]
    assert [row["a"] for row in first["data"]] == [1, None]
    assert first["type"] == "azureml.inference.model_inputs"
    assert first["correlationid"] == first["xrequestid"] == result["correlationid"] == said[2]
    assert result["data"] == [{"y": True}, {"y": False}]
    assert (empty["data"], empty["correlationid"]) == ([], "mine")
    assert (empty["time"], empty["tenant"]) == ("2022-12-01T08:51:30Z", "blue")
    assert compact["data"].split() == ["a", "0", "1.0", "1", "NaN"]
