"""What stands in for Application Insights: takes `POST /v2.1/track`, and can be in a bad way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from tests.servers import wait_until
from tests.telemetry.http_sink import HttpSink, closing

KEY = "12345678-1234-1234-1234-123456789012"
_PATH = "/v2.1/track"

Envelope = Mapping[str, Any]


class TrackSink(HttpSink):
    """What it takes is in `envelopes`, and what else it was asked for in `strangers`."""

    def __init__(self, port: int | None = None) -> None:
        self.envelopes: list[Envelope] = []
        self.strangers: list[str] = []
        super().__init__(port)

    @property
    def connection_string(self) -> str:
        """For APPLICATIONINSIGHTS_CONNECTION_STRING: everything is to come here."""
        return f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        """What switches Application Insights on and leads it here."""
        return {
            "AML_APP_INSIGHTS_ENABLED": "true",
            "AML_APP_INSIGHTS_KEY": KEY,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": self.connection_string,
        }

    def take(self, path: str, body: bytes) -> bytes:
        if path != _PATH:
            self.strangers.append(path)
        envelopes = _envelopes(body)
        self.envelopes += envelopes
        return _told(len(envelopes))

    def refuse(self) -> bytes:
        return _told(0)

    def asked(self, path: str) -> None:
        self.strangers.append(path)

    def of_type(self, base_type: str) -> list[Envelope]:
        """The envelopes with data of this type: RequestData, MessageData, ExceptionData …"""
        return [each for each in self.envelopes if each["data"]["baseType"] == base_type]

    def wait_for(self, base_type: str, count: int) -> list[Envelope]:
        """Waits until so many of a type have come, and returns them."""
        what = f"{count} envelopes of {base_type}"
        wait_until(lambda: len(self.of_type(base_type)) >= count, what)
        return self.of_type(base_type)


def track_sink(port: int | None = None) -> AbstractContextManager[TrackSink]:
    """A sink that is closed in the end."""
    return closing(TrackSink(port))


def _told(taken: int) -> bytes:
    told = {"itemsReceived": taken, "itemsAccepted": taken, "errors": []}
    return json.dumps(told).encode()


def _envelopes(body: bytes) -> list[Envelope]:
    """Those in the body of a post: one JSON array, or a line each."""
    text = body.decode()
    if text.startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]
