"""From what run() returned, or how it failed, to the outcome of a job.

Every outcome carries its own content type and `x-ms-run-function-failed`; the ids and the server's
own headers are the front's. None is answered as `{}`, as the reference does.
"""

from __future__ import annotations

from typing import Any

from scoreserve.errors import ReplyError, ResultUnusable
from scoreserve.wire import Outcome
from scoreserve.worker import json_text

_JSON_HEAD = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
_JSON_HEAD_FAILED = b"content-type: application/json\r\nx-ms-run-function-failed: True\r\n"


def result(job_id: int, value: Any, run_seconds: float, *, strict_json: bool) -> Outcome:
    """The outcome of a run() that returned `value`.

    Raises ResultUnusable, with the reason as its cause, when `value` has no JSON form.
    """
    try:
        body = json_text.dumps({} if value is None else value, strict=strict_json)
    except Exception as error:  # the values' own methods are called: user code
        raise ResultUnusable from error
    return Outcome(job_id, 200, _JSON_HEAD, body, run_seconds, ran=True)


def failure(job_id: int, error: ReplyError, run_seconds: float = 0.0) -> Outcome:
    """The outcome of a job that ends with `error`."""
    head = _JSON_HEAD_FAILED if error.run_failed else _JSON_HEAD
    body = json_text.dumps({"message": error.message})
    return Outcome(job_id, error.status, head, body, run_seconds)
