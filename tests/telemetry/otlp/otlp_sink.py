"""What stands in for a collector: takes OTLP over HTTP, and can be in a bad way."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers import wait_until


@dataclass(frozen=True)
class Answer:
    """What a post is answered with, after `seconds`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


TAKES = Answer()


class OtlpSink:
    """A server on a port of its own. `answer` is what it does with the next posts."""

    def __init__(self, port: int = 0) -> None:
        self.answer = TAKES
        self.posts: list[tuple[str, dict[str, str]]] = []  # path and headers of each
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """A post has come."""
        answer = self.answer
        self.posts.append((path, headers))
        if answer.seconds:
            self._closing.wait(answer.seconds)
        if answer.status == TAKES.status:
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if path == "/v1/traces":
                self.traces.append(ExportTraceServiceRequest.FromString(body))
            elif path == "/v1/metrics":
                self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        return answer

    def spans(self, name: str = "") -> list[Span]:
        """All that have come, or those of this name."""
        return [span for span in spans_of(*self.traces) if name in {"", span.name}]

    def wait_for_spans(self, name: str, count: int) -> list[Span]:
        """Waits until so many spans of a name have come, and returns them."""
        wait_until(lambda: len(self.spans(name)) >= count, f"{count} spans named {name}")
        return self.spans(name)

    def last_metrics(self) -> dict[str, Metric]:
        """What came last of metrics, by name."""
        return metrics_in(self.metrics[-1])

    def wait_for_metrics(self, posts: int = 1) -> dict[str, Metric]:
        """Waits until metrics have come so often, and returns the last."""
        wait_until(lambda: len(self.metrics) >= posts, f"metrics for the {posts}th time")
        return self.last_metrics()

    def close(self) -> None:
        """Whoever connects from now on is refused."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()


@contextmanager
def otlp_sink(port: int = 0) -> Iterator[OtlpSink]:
    """A sink that is closed in the end."""
    sink = OtlpSink(port)
    try:
        yield sink
    finally:
        sink.close()


def spans_of(*requests: ExportTraceServiceRequest) -> list[Span]:
    """All spans, all of the one resource that a server has."""
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def metrics_in(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    """All metrics by name."""
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "scoreserve"
    found = {metric.name: metric for metric in scope.metrics}
    assert len(found) == len(scope.metrics)
    return found


def attributes(message: Resource | Any) -> dict[str, str | int]:
    """Those of a span, a resource or a data point."""
    found: list[KeyValue] = list(message.attributes)
    values = {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in found}
    assert len(values) == len(found)
    return values


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # one may wait for a client that keeps its connection

    def __init__(self, *arguments: Any) -> None:
        self._connections: list[socket.socket] = []
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def cut_connections(self) -> None:
        """Those that clients keep."""
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)


def _handler(sink: OtlpSink) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = sink.take(self.path, headers, body)
            try:
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:  # whoever has sent it waits no more
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
