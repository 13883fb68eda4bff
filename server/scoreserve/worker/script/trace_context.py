"""The trace that a script's own spans continue: OpenTelemetry's context around run().

Where the script, or a library of its, has imported OpenTelemetry's API, whatever it records in
run() is a child of the request's `run` span; of `batch` where run() is for several requests. Where
the server records no traces, it is a child of the client's span. OpenTelemetry is never imported
for that. The context is kept in context variables: so each call has its own that is under way with
others, and tasks of an async run() have that of their request.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from scoreserve import otel_environment
from scoreserve.logs import Scored
from scoreserve.worker.script import after_import

if TYPE_CHECKING:
    from scoreserve.tracing import Sampler

_API = "opentelemetry.context"  # with which there is a context to attach
_HEADER = b"\0traceparent\0"  # in an encoded head
_log = logging.getLogger("azmlinfsrv")


class TraceContext:
    """That of this process. `wanted`: there is somebody who looks at it."""

    wanted = False
    _sampler: Sampler | None = None  # None: the server records no traces
    _attached = False  # any context, ever

    @classmethod
    def follow(cls) -> None:
        """Looks for OpenTelemetry's API, now and whenever it is imported."""
        if otel_environment.exports(otel_environment.TRACES, os.environ):
            cls._sampler, _ = otel_environment.sampler(os.environ)
        if _API in sys.modules:
            cls.wanted = True
        else:
            after_import.call(_API.rpartition(".")[2], cls._imported)

    @classmethod
    def attach(cls, scored: Sequence[Scored]) -> None:
        """What is recorded from here on belongs to these requests, until the next ones come: a body
        may be streamed.
        """
        if cls._sampler is None and not cls._attached and not _brings_any(scored):
            return
        cls._attached = True
        try:
            sys.modules[_API].attach(_context_of(cls._parent(scored)))
        except Exception:  # in a version of the API that is none of those known
            cls.wanted = False
            _log.exception("The script's spans cannot continue the traces of requests")

    @classmethod
    def _imported(cls, module: ModuleType) -> None:
        if module.__name__ == _API:
            cls.wanted = True

    @classmethod
    def _parent(cls, scored: Sequence[Scored]) -> Any:
        """The SpanContext of the span that they are children of; None: there is none."""
        from scoreserve import tracing

        requests = [tracing.scored_request(block, job_id) for block, job_id in scored]
        sampler = cls._sampler
        one = requests[0] if len(requests) == 1 else None
        if not requests:
            return None
        if sampler is not None:
            trace_id, span_id = tracing.run_ids(requests)
            sampled = any(sampler.samples(each.traceparent, each.request_id) for each in requests)
        else:
            trace = tracing.trace_of(b"" if one is None else one.traceparent, b"")
            if not trace.parent:
                return None
            trace_id, span_id, sampled = trace.id, trace.parent, bool(trace.sampled)
        from opentelemetry.trace import SpanContext, TraceFlags, TraceState

        state = b"" if one is None else one.tracestate
        return SpanContext(
            int(trace_id, 16),
            int(span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT),
            trace_state=TraceState.from_header([state.decode("latin-1")] if state else []),
        )


def _brings_any(scored: Sequence[Scored]) -> bool:
    """Whether any of these requests has a traceparent, or looks as if."""
    return any(_HEADER in block for block, _ in scored)


def _context_of(parent: Any) -> Any:
    """A context in which nothing is left of the request before."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    if parent is None:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())
