"""Who is told of each request and its answer: the access log, and telemetry where it is on."""

from __future__ import annotations

from mypy_extensions import mypyc_attr

from scoreserve.front.messages.replies import Reply
from scoreserve.heads import RequestHead


@mypyc_attr(allow_interpreted_subclasses=True)
class RequestLog:
    """What is asked of them."""

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
        """One reply was given, which took `seconds` to make. `api`: to a path of the reference's
        API. `host` is the client's address, where the head does not know it. `request_id` need not
        be given: it stands in the reply too.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Writes what has gathered."""
        raise NotImplementedError
