"""The log line of a request as one JSON object, in the place of the two of `access_log`.

{"time": ..., "level": "INFO", "logger": "gunicorn.access", "message": "POST /score 200", ...,
 "request_id": ..., "client": "10.0.0.7", "method": "POST", "path": "/score", "status": 200,
 "seconds": 0.0123, "bytes": 17, "phases": {"queue": 0.0011, "run": 0.0101, "total": 0.0112}}
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from scoreserve.front.access_log import AccessLog, is_probe, peer
from scoreserve.front.replies import Reply
from scoreserve.logs import rfc3339
from scoreserve.wire import RequestHead

_DIGITS = 6  # of seconds: microseconds


class JsonAccessLog(AccessLog):
    """Writes one JSON object a request."""

    def record(
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        client: bytes = b"",
    ) -> None:
        if not self._access or is_probe(head):
            return
        method, path = head.method.decode("latin-1"), head.path.decode("latin-1")
        line: dict[str, Any] = {
            "time": rfc3339(time.time()),
            "level": "INFO",
            "logger": "gunicorn.access",
            "message": f"{method} {path} {reply.status}",
            "pid": self._pid,
            "role": "front",
        }
        for name, value in reply.headers:
            if name == b"x-request-id":
                line["request_id"] = value.decode("latin-1")
        shown = peer(client or head.client)
        line |= {"client": shown, "method": method, "path": path}
        if head.query:
            line["query"] = head.query.decode("latin-1")
        line |= {
            "status": reply.status,
            "seconds": round(seconds, _DIGITS),
            "bytes": None if reply.stream is not None else len(reply.body),
        }
        agent = head.header(b"user-agent")
        if agent is not None:
            line["user_agent"] = agent.decode("latin-1")
        if reply.run_seconds:
            queue_seconds = max(0.0, reply.total_seconds - reply.run_seconds)
            line["phases"] = {
                "queue": round(queue_seconds, _DIGITS),
                "run": round(reply.run_seconds, _DIGITS),
                "total": round(reply.total_seconds, _DIGITS),
            }
        self._gather(orjson.dumps(line).decode() + "\n")
