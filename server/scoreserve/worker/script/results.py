"""From what run() returned, or how it failed, to the outcome of a job.

Every outcome carries its own content type and `x-ms-run-function-failed`; the ids and the server's
own headers are the front's. None is answered as `{}`, as the reference does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from typing import Any, Final

from scoreserve import heads, wire
from scoreserve.errors import ReplyError, ResultUnusable
from scoreserve.wire import Outcome
from scoreserve.worker.script import json_text
from scoreserve.worker.script.failure_lines import failure_line
from scoreserve.worker.script.responses import StreamedOutcome, from_generator, from_response

_SERVER_ERROR: Final = 500
_dumps: Final = json.dumps  # the stdlib's own: the script may put another in its place
_JSON_HEAD: Final = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
PLAIN: Final = frozenset({dict, list, str, int, float, bool, type(None), tuple})
_JSON_HEAD_FAILED: Final = b"content-type: application/json\r\nx-ms-run-function-failed: True\r\n"


def result(
    job_id: int, value: Any, head: bytes, run_seconds: float, *, strict_json: bool
) -> Outcome | StreamedOutcome:
    """The outcome of a run() that returned `value` for the request with this encoded head.

    A flask response goes out as it is, a generator is streamed, anything else becomes JSON. Raises
    ResultUnusable, with the reason as its cause, when `value` cannot be sent.
    """
    try:
        if type(value) not in PLAIN:
            if _is_flask_response(value):
                return from_response(job_id, value, heads.decode_head(head), run_seconds)
            if isinstance(value, Generator):
                return from_generator(job_id, value, run_seconds, heads.request_id_of(head))
        body = json_text.dumps({} if value is None else value, strict=strict_json)
    except ReplyError:
        raise
    except BaseException as error:  # the values' own methods are called: user code
        raise ResultUnusable().with_cause(error) from error
    return Outcome(job_id, 200, _JSON_HEAD, body, run_seconds, wire.RAN)


def failure(
    job_id: int, error: ReplyError, run_seconds: float = 0.0, *, traceback: str = ""
) -> Outcome:
    """The outcome of a job that ends with `error`. Its client is shown the `traceback`, if any, as
    a list of lines: a terminal then shows it as Python would.
    """
    head = _JSON_HEAD_FAILED if error.run_failed else _JSON_HEAD
    message = {"message": error.message}
    if traceback:
        shown = {**message, "traceback": traceback.splitlines()}
        body = _dumps(shown, indent=2).encode()
    else:
        body = json_text.dumps(message)
    outcome = Outcome(job_id, error.status, head, body, run_seconds)
    if error.status >= _SERVER_ERROR:
        outcome.failure = failure_line(error)
    return outcome


def _is_flask_response(value: Any) -> bool:
    flask = sys.modules.get("flask")  # a script that has not imported it cannot return one
    return flask is not None and isinstance(value, flask.Response)
