"""The document that /docs shows: /swagger.json's, told for people."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scoreserve.front.api.docs_document import Service, page_document
from scoreserve.front.workers.worker_process import Script
from scoreserve.worker.script.swagger_document import openapi3, swagger2

ANYTHING = {"type": "object", "example": {}}
SCHEMA = {"type": "array", "items": {"type": "integer"}, "example": [1, 2]}
SAMPLES = {"sample_request.json": {"data": [1]}, "_samples.json": [{"a": 1}]}


def script_of(schema: Any = ANYTHING, prefix: str = "", **told: Any) -> Script:
    """A script with such an input, as a worker tells of it."""
    about = ("ML service", "1.0", prefix, copy.deepcopy(schema), ANYTHING)
    return Script(swagger={"2": swagger2(*about), "3": openapi3(*about)}, **told)


def service_of(**given: Any) -> Service:
    service = Service(name="ML service", script="score.py", path_prefix="", needs_key=False)
    return service._replace(**given)


def body_of(document: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = document["paths"]["/score"]["post"]["requestBody"]
    return body


class TestTitle:
    @pytest.mark.parametrize(
        ("name", "script", "title"),
        [
            ("Fraud", "score.py", "Fraud"),
            ("ML service", "score.py", "score.py"),
            ("ML service", "", "ML service"),
        ],
    )
    def test_is_the_services_own(self, name: str, script: str, title: str) -> None:
        document = page_document(script_of(), service_of(name=name, script=script))
        assert document["info"]["title"] == title


class TestSamples:
    def test_are_shown_where_the_script_declares_no_schema(self) -> None:
        body = body_of(page_document(script_of(samples=SAMPLES), service_of()))
        assert body["content"]["application/json"]["examples"] == {
            "sample_request.json": {"value": {"data": [1]}},
            "_samples.json": {"value": [{"a": 1}]},
        }
        assert "`sample_request.json`, `_samples.json`" in body["description"]

    def test_are_not_where_it_declares_one(self) -> None:
        document = page_document(script_of(SCHEMA, samples=SAMPLES), service_of())
        reference = body_of(document)["content"]["application/json"]
        assert reference == {"schema": {"$ref": "#/components/schemas/ServiceInput"}}
        assert document["components"]["schemas"]["ServiceInput"] == SCHEMA

    def test_that_are_not_there_are_no_empty_object(self) -> None:
        body = body_of(page_document(script_of(), service_of()))
        (content,) = body["content"].values()
        assert content["example"] == ""
        assert "sample_request.json" in body["description"]


class TestKeys:
    @pytest.mark.parametrize("version", ["2", "3"])
    def test_are_asked_for_only_where_they_are_needed(self, version: str) -> None:
        script = script_of()
        script = script._replace(swagger={version: script.swagger[version]})
        for needs_key in (False, True):
            document = page_document(script, service_of(needs_key=needs_key))
            holder = document["components"] if version == "3" else document
            schemes = holder.get("securitySchemes") or holder.get("securityDefinitions")
            guarded = [path for path, item in document["paths"].items() if "security" in str(item)]
            assert bool(schemes) is needs_key
            assert guarded == (["/score", "/swagger.json"] if needs_key else [])
            assert "security" not in document

    def test_are_a_bearers(self) -> None:
        document = page_document(script_of(), service_of(needs_key=True))
        scheme = document["components"]["securitySchemes"]["Bearer"]
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


class TestPaths:
    @pytest.mark.parametrize("prefix", ["", "/api/v1", "api/v1/"])
    def test_are_where_the_page_is_and_the_score_request_comes_first(self, prefix: str) -> None:
        stripped = f"/{prefix.strip('/')}" if prefix else ""
        script = script_of(prefix=stripped)
        document = page_document(script, service_of(path_prefix=prefix))
        assert list(document["paths"]) == ["/score", "/", "/swagger.json"]

    def test_of_swagger_2_have_the_scheme_of_the_page(self) -> None:
        script = script_of(SCHEMA)
        script = script._replace(swagger={"2": script.swagger["2"]})
        assert "schemes" not in page_document(script, service_of())


class TestWhichDocument:
    def test_the_documents_of_the_script_stay_as_they_are(self) -> None:
        script = script_of(samples=SAMPLES)
        before = copy.deepcopy(script.swagger)
        page_document(script, service_of(needs_key=True))
        assert script.swagger == before

    @pytest.mark.parametrize("own", [["anything"], "text", {"paths": 3}])
    def test_one_that_the_user_wrote_is_shown_as_it_is(self, own: Any) -> None:
        swagger = {**script_of().swagger, "2": own}
        script = Script(swagger=swagger, own_swagger=["2"], samples=SAMPLES)
        assert page_document(script, service_of()) == own

    def test_there_may_be_none(self) -> None:
        assert page_document(Script(), service_of()) is None
