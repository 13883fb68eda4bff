"""The log line of a request as one JSON object, in the place of the two of `access_log`.

{"time": ..., "level": "INFO", "logger": "gunicorn.access", "message": "POST /score 200", ...,
 "request_id": ..., "client": "10.0.0.7", "method": "POST", "path": "/score", "status": 200,
 "seconds": 0.0123, "bytes": 17, "phases": {"queue": 0.0011, "run": 0.0101, "total": 0.0112}}
and trace_id and span_id where OpenTelemetry records traces
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from scoreserve.front.messages.replies import Reply
from scoreserve.front.observe.access_log import AccessLog, host_of, is_probe, request_id_of
from scoreserve.heads import RequestHead
from scoreserve.logs import JsonFormatter, rfc3339

_DIGITS = 6  # of seconds: microseconds


class JsonAccessLog(AccessLog):
    """Writes one JSON object a request."""

    def record(  # noqa: PLR0913 - all that is told of a request
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        host: bytes = b"",
        request_id: bytes = b"",
    ) -> None:
        if not self._access or is_probe(head):
            return
        method, path = head.method.decode("latin-1"), head.path.decode("latin-1")
        line: dict[str, Any] = {
            "time": self._now(),
            "level": "INFO",
            "logger": "gunicorn.access",
            "message": f"{method} {path} {reply.status}",
            "pid": self._pid,
            "role": "front",
            "client": (host or host_of(head.client)).decode(),
            "method": method,
            "path": path,
            "status": reply.status,
            "seconds": round(seconds, _DIGITS),
            "bytes": None if reply.stream is not None else reply.length,
        }
        if head.query:
            line["query"] = head.query.decode("latin-1")
        told = request_id or request_id_of(reply.head)
        if told:
            line["request_id"] = told.decode("latin-1")
            if JsonFormatter.traced and reply.job_id > 0:
                from scoreserve import tracing

                traceparent = head.header(tracing.TRACEPARENT) or b""
                line["trace_id"] = tracing.trace_of(traceparent, told).id
                line["span_id"] = tracing.server_span_id(told, reply.job_id)
        agent = head.header(b"user-agent")
        if agent is not None:
            line["user_agent"] = agent.decode("latin-1")
        if reply.run_seconds:
            line["phases"] = _phases(reply.total_seconds, reply.run_seconds)
        self._lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._count()

    def _now(self) -> str:
        second, after = divmod(int(time.time() * 1000), 1000)
        if second != self._second:  # a time is made of its parts once a second
            self._second = second
            self._log_time = rfc3339(second).partition(".")[0]
        return f"{self._log_time}.{after:03d}Z"


def _phases(total: float, run: float) -> dict[str, float]:
    queue = total - run if total > run else 0.0
    return {
        "queue": round(queue, _DIGITS),
        "run": round(run, _DIGITS),
        "total": round(total, _DIGITS),
    }
