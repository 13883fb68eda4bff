"""The Swagger documents of a script: generated, or the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.script import swagger
from tests.conftest import WriteFile

pytestmark = pytest.mark.usefixtures("server_log")

ALL = ["2", "3", "3.1"]
PATHS = ["/", "/score", "/swagger.json"]

Run = Callable[..., Any]
Documents = dict[str, dict[str, Any]]
Make = Callable[..., Documents]


class TypeOf(StandardPythonParameterType):  # type: ignore[misc]
    """A type that only some versions can express."""

    def __init__(self, sample: Any, versions: Iterable[str]) -> None:
        super().__init__(sample)
        self._versions = list(versions)

    def supported_versions(self) -> list[str]:
        return self._versions


class TypeBroken(StandardPythonParameterType):  # type: ignore[misc]
    """A type whose code fails once the documents are made."""

    def supported_versions(self) -> list[str]:
        return [Unsortable(), Unsortable()]  # type: ignore[list-item]


class Unsortable:
    """What inference-schema sorts when it is asked for the versions."""

    def __lt__(self, other: object) -> bool:
        raise RuntimeError("mine")


def undecorated(data: str) -> None: ...


def decorated(name: str, *, takes: Any = None, gives: Any = None) -> Run:
    """A run(data) of that name with these types; inference-schema knows functions by name."""

    def run(data: Any) -> Any:
        return data

    run.__name__ = run.__qualname__ = name
    decorated: Run = run
    if takes is not None:
        decorated = input_schema("data", takes)(decorated)
    if gives is not None:
        decorated = output_schema(gives)(decorated)
    return decorated


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The documents of a run() in this test's directory, under these settings."""

    def make(run: Run = undecorated, **settings: Any) -> Documents:
        return swagger.documents(run, Settings(app_root=str(tmp_path), **settings))

    return make


class TestGenerated:
    def test_there_is_one_of_each_version(self, make: Make) -> None:
        documents = make()
        assert list(documents) == ALL
        assert documents["2"]["swagger"] == "2.0"
        assert [documents[version]["openapi"] for version in ("3", "3.1")] == ["3.0.3", "3.1.0"]

    def test_the_routes_are_described(self, make: Make) -> None:
        for document in make().values():
            assert list(document["paths"]) == PATHS
            assert list(document["paths"]["/score"]) == ["post"]

    def test_an_undecorated_run_takes_and_gives_anything(self, make: Make) -> None:
        anything = {"type": "object", "example": {}}
        documents = make()
        for schemas in (
            documents["2"]["definitions"],
            documents["3"]["components"]["schemas"],
            documents["3.1"]["components"]["schemas"],
        ):
            assert schemas["ServiceInput"] == schemas["ServiceOutput"] == anything

    def test_the_schemas_are_those_of_the_decorators(self, make: Make) -> None:
        takes, gives = StandardPythonParameterType([1]), StandardPythonParameterType({"a": "b"})
        definitions = make(decorated("both", takes=takes, gives=gives))["2"]["definitions"]
        assert definitions["ServiceInput"] == {
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": {"type": "integer", "format": "int64"}}
            },
            "example": {"data": [1]},
        }
        assert definitions["ServiceOutput"]["example"] == {"a": "b"}

    def test_name_version_and_prefix_are_the_services(self, make: Make) -> None:
        for document in make(
            service_name="Mine", service_version="7.3", service_path_prefix="/api/v1/"
        ).values():
            assert document["info"]["title"] == "Mine"
            assert "Mine" in document["info"]["description"]
            assert document["info"]["version"] == "7.3"
            assert list(document["paths"]) == [f"/api/v1{path}" for path in PATHS]

    @pytest.mark.parametrize(
        ("prefix", "stands"), [("", ""), ("api", "/api"), ("/api", "/api"), ("/", "/")]
    )
    def test_a_prefix_begins_with_one_slash(self, make: Make, prefix: str, stands: str) -> None:
        """And `/` alone is kept, as by the reference."""
        paths = make(service_path_prefix=prefix)["2"]["paths"]
        assert list(paths) == [f"{stands}{path}" for path in PATHS]


class TestVersions:
    @pytest.mark.parametrize(
        ("takes", "gives", "versions"),
        [
            (["2.0", "3.0", "3.1"], None, ALL),
            (["3.0", "3.1"], None, ["3", "3.1"]),
            (["3.1"], None, ["3.1"]),
            (["2"], None, ["2"]),
            (None, ["2.0", "3.0"], ["2", "3"]),
            (["2.0", "3.0"], ["3.0", "3.1"], ["3"]),
            (["2.0"], ["3.1"], []),
        ],
    )
    def test_are_those_that_all_types_can_express(
        self, make: Make, takes: Any, gives: Any, versions: list[str]
    ) -> None:
        run = decorated(
            f"run_{takes}_{gives}",
            takes=TypeOf([1], takes) if takes else None,
            gives=TypeOf([1], gives) if gives else None,
        )
        assert list(make(run)) == versions

    @pytest.mark.parametrize(
        ("versions", "said"),
        [
            (
                ["2.0", "3.0", "3.1"],
                "Swaggers are prepared for the following versions: [2, 3, 3.1].",
            ),
            (
                ["3.0", "3.1"],
                "Swaggers are prepared for versions [3, 3.1] and skipped for versions [2].",
            ),
            (["4"], "No swagger is prepared."),
        ],
    )
    def test_are_logged(
        self, make: Make, caplog: pytest.LogCaptureFixture, versions: list[str], said: str
    ) -> None:
        make(decorated(f"logged_{versions}", takes=TypeOf([1], versions)))
        assert caplog.messages == [said]

    def test_of_a_type_whose_code_fails_are_left_out(
        self, make: Make, caplog: pytest.LogCaptureFixture, write_file: WriteFile
    ) -> None:
        """The server serves all the same."""
        write_file("swagger3.json", '{"mine": 3}')
        assert make(decorated("broken", takes=TypeBroken([1]))) == {"3": {"mine": 3}}
        assert "No swagger can be made for version 2" in caplog.messages
        assert "RuntimeError: mine" in caplog.text


class TestOfTheUser:
    @pytest.mark.parametrize(
        ("file", "version"),
        [
            ("swagger.json", "2"),
            ("swagger2.json", "2"),
            ("swagger3.json", "3"),
            ("swagger3.1.json", "3.1"),
        ],
    )
    def test_replaces_that_of_its_version(
        self,
        make: Make,
        write_file: WriteFile,
        caplog: pytest.LogCaptureFixture,
        file: str,
        version: str,
    ) -> None:
        path = write_file(file, '{"mine": "é"}')
        documents = make()
        assert documents.pop(version) == {"mine": "é"}
        assert all("paths" in document for document in documents.values())
        assert f"Loaded user's swagger file for version [{version}] from {path}" in caplog.messages

    def test_is_read_by_the_stdlib_whatever_the_script_has_put_in_its_place(
        self, make: Make, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_file("swagger.json", '{"info": "mine"}')
        monkeypatch.setattr(json, "loads", lambda text: {"info": "the script's"})
        assert make(undecorated)["2"] == {"info": "mine"}

    def test_the_shorter_name_wins(self, make: Make, write_file: WriteFile) -> None:
        write_file("swagger.json", '{"mine": 1}')
        write_file("swagger2.json", '{"mine": 2}')
        assert make()["2"] == {"mine": 1}

    @pytest.mark.parametrize("empty", ["{}", "[]", "null"])
    def test_is_ignored_when_empty(self, make: Make, write_file: WriteFile, empty: str) -> None:
        write_file("swagger.json", empty)
        assert make()["2"]["swagger"] == "2.0"

    def test_stands_in_for_a_version_that_the_types_cannot_express(
        self, make: Make, write_file: WriteFile
    ) -> None:
        write_file("swagger.json", '{"mine": 2}')
        assert make(decorated("only_3", takes=TypeOf([1], ["3.0"])))["2"] == {"mine": 2}

    @pytest.mark.parametrize("text", ["", "{", "{'mine': 1}", "{} {}"])
    def test_that_is_no_json_ends_the_server(
        self, make: Make, write_file: WriteFile, text: str
    ) -> None:
        path = write_file("swagger3.json", text)
        with pytest.raises(BootError) as caught:
            make()
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize("document", [[1], [["a", 1]], 3, "text", True])
    def test_may_be_any_json(self, make: Make, write_file: WriteFile, document: Any) -> None:
        """The reference does not look at it either."""
        write_file("swagger3.json", json.dumps(document))
        assert make()["3"] == document

    def test_that_is_no_utf8_ends_the_server_with_a_word(self, make: Make, tmp_path: Path) -> None:
        path = tmp_path / "swagger3.json"
        path.write_bytes(b'{"mine": "\xe9"}')
        with pytest.raises(BootError) as caught:
            make()
        assert str(path) in str(caught.value)


def test_documents_can_be_sent(make: Make) -> None:
    """Also those of numpy and pandas samples."""
    import numpy
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

    sample = NumpyParameterType(numpy.array([[1.5, 2.0]]), enforce_shape=False)
    assert list(json.loads(json.dumps(make(decorated("with_numpy", takes=sample))))) == ALL


def test_which_the_user_wrote(tmp_path: Path) -> None:
    settings = Settings(app_root=str(tmp_path))
    assert swagger.versions_of_user(settings) == []
    for name in ("swagger2.json", "swagger3.1.json"):
        (tmp_path / name).write_text("{}")
    assert swagger.versions_of_user(settings) == ["2", "3.1"]
