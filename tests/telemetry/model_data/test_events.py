"""What is posted, as an event in Azure's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from scoreserve.telemetry.model_data.events import Event, PostError, event_of

NOW = 1_701_421_890.5

# As azureml-ai-monitoring 1.0.0 sends them.
HEADERS = {
    "content-type": "application/json",
    "trace-id": "725aa8af-0834-415c-aaf5-c76d0c08f694",
    "ce-time": "1669884690",
    "ce-type": "azureml.inference.model_inputs",
    "ce-collect-data-type": "pandas.core.frame.DataFrame",
    "ce-agent": "azureml-ai-monitoring/1.0.0",
    "ce-x-request-id": "bbbb1111-cc22-3333-44dd-555555eeeeee",
    "ce-model-version": "default",
    "accept": "*/*",
}
BODY = b'[{"label":"DRUG","pattern":"aspirin"},{"label":"DRUG","pattern":"trazodone"}]'


def event(body: bytes = BODY, **changed: str | None) -> Event:
    headers = {**HEADERS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    given: Mapping[str, str] = {name: value for name, value in headers.items() if value is not None}
    return event_of(given, body, "/here", NOW)


def fields(body: bytes = BODY, **changed: str | None) -> dict[str, Any]:
    line = event(body, **changed).line
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found = json.loads(line, parse_constant=pytest.fail)
    assert isinstance(found, dict)
    return found


def test_it_has_the_fields_of_azures_example() -> None:
    """https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data"""
    assert event().collection == "model_inputs"
    assert fields() == {
        "specversion": "1.0",
        "id": "725aa8af-0834-415c-aaf5-c76d0c08f694",
        "source": "/here",
        "type": "azureml.inference.model_inputs",
        "datacontenttype": "application/json",
        "time": "2022-12-01T08:51:30Z",
        "data": json.loads(BODY),
        "correlationid": "bbbb1111-cc22-3333-44dd-555555eeeeee",
        "xrequestid": "bbbb1111-cc22-3333-44dd-555555eeeeee",
        "modelversion": "default",
        "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/1.0.0",
        "contentrange": f"bytes 0-{len(BODY) - 1}/{len(BODY)}",
    }


def test_headers_of_the_scripts_own_context_are_kept_and_change_nothing_else() -> None:
    found = fields(ce_tenant="blue", ce_source="elsewhere", ce_id="mine")
    assert found["tenant"] == "blue"
    assert (found["source"], found["id"]) == ("/here", HEADERS["trace-id"])


def test_what_is_not_said_is_left_out() -> None:
    found = fields(trace_id=None, ce_time=None, ce_x_request_id=None)
    assert len(found["id"]) == 36
    assert found["time"] == "2023-12-01T09:11:30Z"
    assert not {"correlationid", "xrequestid"} & set(found)


def test_text_and_bytes_are_kept_too() -> None:
    text = fields("größe\n0 7".encode(), content_type="application/octet-stream")
    assert (text["datacontenttype"], text["data"]) == ("text/plain", "größe\n0 7")
    other = fields(b"\xff\x00", content_type=None)
    assert (other["datacontenttype"], other["data_base64"]) == ("application/octet-stream", "/wA=")


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "model_inputs", "azureml.inference.", "azureml.inference.a b"),
        *("azureml.inference..", "azureml.inference...", "azureml.inference.../etc"),
        *("azureml.inference.a/b", "azureml.inference.a\n", f"azureml.inference.{'a' * 101}"),
    ],
)
def test_a_collection_that_can_be_no_folder_is_refused(kind: str | None) -> None:
    with pytest.raises(PostError, match="ce-type") as refused:
        event(ce_type=kind)
    assert refused.value.status == 400


@pytest.mark.parametrize("moment", ["", "yesterday", "nan", "inf", "1e300", "2022-12-01"])
def test_a_time_that_is_none_is_refused(moment: str) -> None:
    with pytest.raises(PostError, match="ce-time"):
        event(ce_time=moment)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[NaN]", b"[-Infinity]", b"\xff", b"[" * 100_000, b"9" * 5000],
    ids=["nothing", "broken", "nan", "infinity", "no text", "deep", "long"],
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(PostError, match="The body is no JSON"):
        event(body)


def test_a_string_that_no_encoding_has_is_kept() -> None:
    assert fields(b'["\\ud800"]')["data"] == ["\ud800"]
