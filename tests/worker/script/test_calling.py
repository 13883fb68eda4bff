"""How run() wants to be called, as its signature and decorators say."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from types import ModuleType
from typing import Any

import flask
import pytest

from scoreserve.errors import BadInput, BootError
from scoreserve.worker.script.calling import convention_of
from tests.worker.fakes import head_of, job_of

Run = Callable[..., Any]


class UsesRawHttp(ModuleType):
    """Stands for the module of `@rawhttp` in a process whose script used it."""

    def requested(self) -> bool:
        return True


@pytest.fixture
def schema_decorated() -> Run:
    """A run() under two @input_schema decorators."""
    from inference_schema.parameter_types.standard_py_parameter_type import (
        StandardPythonParameterType,
    )
    from inference_schema.schema_decorators import input_schema

    def run(data: Any, params: Any) -> Any:
        return data, params

    run = input_schema("data", StandardPythonParameterType([1]))(run)
    decorated: Run = input_schema("params", StandardPythonParameterType({"a": 1}))(run)
    return decorated


class TestArguments:
    @pytest.mark.parametrize(
        "run", [lambda raw_data: None, lambda raw_data, unused=1: None], ids=["one", "default"]
    )
    def test_an_undecorated_run_gets_the_body_by_its_first_name(self, run: Run) -> None:
        assert convention_of(run).call(job_of(b"[1]")).arguments == {"raw_data": "[1]"}

    def test_a_keyword_only_parameter_will_do(self) -> None:
        def run(*, data: str) -> None: ...

        assert convention_of(run).call(job_of(b"[1]")).arguments == {"data": "[1]"}

    def test_a_bound_method_will_do(self) -> None:
        class Model:
            def run(self, data: str) -> None: ...

        assert convention_of(Model().run).call(job_of(b"[1]")).arguments == {"data": "[1]"}

    @pytest.mark.parametrize(
        "run",
        [lambda data, request_headers: None, lambda request_headers, data: None],
        ids=["last", "first"],
    )
    def test_request_headers_come_in_title_case_and_joined(self, run: Run) -> None:
        head = head_of(headers=[("x-ms-id", "ä"), ("x-two", "a"), ("x-two", "b")])
        arguments = convention_of(run).call(job_of(b"[1]", head)).arguments
        assert arguments == {
            "data": "[1]",
            "request_headers": {"X-Ms-Id": "ä", "X-Two": "a,b"},
        }

    def test_a_schema_decorated_run_gets_members(self, schema_decorated: Run) -> None:
        call = convention_of(schema_decorated).call(job_of(b'{"params": {"a": 2}, "data": [3]}'))
        assert call.arguments == {"data": [3], "params": {"a": 2}}

    def test_a_schema_decorated_run_misses_no_member(self, schema_decorated: Run) -> None:
        convention = convention_of(schema_decorated)
        with pytest.raises(BadInput, match="'params'"):
            convention.call(job_of(b'{"data": [3]}'))

    def test_a_call_keeps_nothing_of_the_receive_buffer(self) -> None:
        buffer = bytearray(b"[1]")
        job = replace(job_of(), body=memoryview(buffer))
        call = convention_of(lambda data: None).call(job)
        buffer[:] = b"[2]"
        assert call.arguments == {"data": "[1]"}


class TestFlask:
    """A call has a context from the moment on that anything has imported flask."""

    @pytest.fixture
    def no_flask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a worker whose script has not imported it."""
        monkeypatch.delitem(sys.modules, "flask", raising=False)

    def seen(self, context: AbstractContextManager[Any] | None) -> list[str]:
        assert context is not None
        with context:
            request = flask.request
            return [request.method, request.headers["Content-Type"], request.get_data(as_text=True)]

    def test_is_not_imported_for_a_call(self, no_flask: None) -> None:
        assert convention_of(lambda data: None).call(job_of(b"[1]")).context is None
        assert "flask" not in sys.modules

    def test_that_is_imported_gives_the_next_call_its_request(self) -> None:
        call = convention_of(lambda data: None).call(job_of(b"[1]"))
        assert self.seen(call.context) == ["POST", "application/json", "[1]"]

    @pytest.mark.parametrize("body", [b"", "ä".encode(), b'{"data":  [1]}'])
    def test_that_comes_later_gives_a_call_its_request_too(
        self, no_flask: None, body: bytes
    ) -> None:
        convention = convention_of(lambda data: None)
        call = convention.call(job_of(body))
        assert self.seen(convention.late_context(call))[2] == body.decode()

    def test_that_comes_later_knows_the_body_of_members(
        self, no_flask: None, schema_decorated: Run
    ) -> None:
        convention = convention_of(schema_decorated)
        body = b'{"data":  [1], "params": {}, "more": 1}'
        assert self.seen(convention.late_context(convention.call(job_of(body))))[2] == body.decode()

    def test_that_comes_later_keeps_no_large_body(
        self, no_flask: None, schema_decorated: Run
    ) -> None:
        convention = convention_of(schema_decorated)
        body = b'{"data": "%b", "params": {}}' % (b"x" * (1 << 20))
        assert convention.call(job_of(body)).body == b""

    def test_has_no_request_for_several(self, no_flask: None) -> None:
        convention = convention_of(lambda data: None)
        merged = replace(convention.call(job_of(b"[1]")), arguments={"data": "[1, 2]"})
        assert convention.late_context(merged) is None


class TestRefusedSignatures:
    @pytest.mark.parametrize(
        "run",
        [
            lambda data, /: None,
            lambda *args: None,
            lambda **kwargs: None,
            lambda data, **kwargs: None,
        ],
        ids=["positional-only", "args", "kwargs", "data and kwargs"],
    )
    def test_that_take_no_keyword(self, run: Run) -> None:
        with pytest.raises(BootError) as caught:
            convention_of(run)
        assert str(caught.value) == (
            "run() cannot accept positional-only arguments, *args, or **kwargs."
        )

    def test_that_take_nothing(self) -> None:
        with pytest.raises(BootError) as caught:
            convention_of(lambda: None)
        assert str(caught.value) == "run() needs to accept an argument for input data."

    def test_that_take_only_headers(self) -> None:
        with pytest.raises(BootError) as caught:
            convention_of(lambda request_headers: None)
        assert str(caught.value) == (
            'run() needs to accept an argument other than "request_headers".'
        )

    def test_that_are_both_raw_and_decorated(
        self, schema_decorated: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = "scoreserve.compat.aml_request"
        monkeypatch.setitem(sys.modules, name, UsesRawHttp(name))
        with pytest.raises(BootError, match="both @rawhttp and @input_schema"):
            convention_of(schema_decorated)
