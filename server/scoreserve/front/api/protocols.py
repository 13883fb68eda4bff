"""The routes of other protocols than /score's, and how they tell of errors.

    v2       GET /v2, /v2/health/live, /v2/health/ready          of the server
             GET /v2/models/M, /v2/models/M/ready                of its one model
             GET /v2/openapi.json                                of these paths
             POST /v2/models/M/infer                             scored
    v1       GET /v1/models, /v1/models/M; POST /v1/models/M:predict
    mlflow   GET /ping, /health, /version; POST /invocations

/versions/V may follow a model's name in V2. What is scored goes to the same endpoint as /score: the
worker finds the protocol in the path, and reads the body.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scoreserve import __version__
from scoreserve.errors import NoSuchModel, NotReady
from scoreserve.front.api import v2_document
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ERROR_WORDS, ReplyResponse
from scoreserve.front.messages.replies import HTML, JSON, ErrorReply, Replies, Reply
from scoreserve.protocols import MLFLOW, V1, V2, Model, error_body, of_path

Endpoint = Callable[[Request], Awaitable[Response]]

_EXTENSIONS = ("binary_tensor_data",)
_BAD_GATEWAY = 502
_MLFLOW_PATHS = ("/ping", "/health", "/version", "/invocations")


class ProtocolRoutes(NamedTuple):
    """The routes of the protocols of these `names`, and what the application needs to know of them:
    `counted` are the paths with counters of their own and whether they are scored, `guarded` those
    that need an API key, if any does.
    """

    names: Collection[str]
    routes: Collection[BaseRoute]
    counted: Mapping[str, bool]
    guarded: Collection[str]


class _Path(NamedTuple):
    """A path as Starlette has it, `written` with parameters, and the `real` one. What is not scored
    is read.
    """

    written: str
    endpoint: Endpoint
    real: str = ""
    scored: bool = False
    reads_schema: bool = False

    @property
    def guarded(self) -> bool:
        """Whether it needs an API key, where any path does: probes have none."""
        return self.scored or self.reads_schema

    def route(self) -> Route:
        methods = ["POST", "OPTIONS"] if self.scored else ["GET"]
        return Route(self.written, self.endpoint, methods=methods)


class ProtocolEndpoints:
    """What answers the paths of `model`. `tensors` describes it, as a worker has told; `score` is
    the endpoint of /score.
    """

    def __init__(  # noqa: PLR0913 - what surrounds it is given
        self,
        replies: Replies,
        model: Model,
        *,
        is_ready: Callable[[], bool],
        not_ready: Callable[[], NotReady | None],
        tensors: Callable[[], Mapping[str, Any]],
        score: Endpoint,
    ) -> None:
        self._replies = replies
        self._model = model
        self._is_ready = is_ready
        self._not_ready = not_ready
        self._tensors = tensors
        self._scored = score

    def routes(self, names: Collection[str]) -> ProtocolRoutes:
        """The routes of the protocols of these names."""
        table = {V2: self._v2, V1: self._v1, MLFLOW: self._mlflow}
        paths = [path for name in names if name in table for path in table[name]()]
        return ProtocolRoutes(
            names,
            [path.route() for path in paths],
            {path.real or path.written: path.scored for path in paths},
            [path.real or path.written for path in paths if path.guarded],
        )

    def _v2(self) -> Iterator[_Path]:
        yield _Path("/v2", self.server)
        yield _Path("/v2/health/live", self.live)
        yield _Path("/v2/health/ready", self.ready)
        yield _Path("/v2/openapi.json", self.openapi, reads_schema=True)
        name, version = self._model
        for written, real in (
            ("/v2/models/{model}", f"/v2/models/{name}"),
            ("/v2/models/{model}/versions/{version}", f"/v2/models/{name}/versions/{version}"),
        ):
            yield _Path(f"{written}/infer", self.score, f"{real}/infer", scored=True)
            yield _Path(f"{written}/ready", self.model_ready, f"{real}/ready")
            yield _Path(written, self.metadata, real, reads_schema=True)

    def _v1(self) -> Iterator[_Path]:
        written, real = "/v1/models/{model}", f"/v1/models/{self._model.name}"
        yield _Path(f"{written}:predict", self.score, f"{real}:predict", scored=True)
        yield _Path("/v1/models", self.models)
        yield _Path(written, self.model_ready, real)

    def _mlflow(self) -> Iterator[_Path]:
        yield _Path("/invocations", self.score, scored=True)
        yield _Path("/ping", self.ping)
        yield _Path("/health", self.ping)
        yield _Path("/version", self.version)

    def _ok(self, request: Request, value: object, *, ready: bool = True) -> Response:
        body = json.dumps(value).encode()
        head = head_of(request.scope)
        return ReplyResponse(self._replies.ok(head, JSON, body, status=200 if ready else 503))

    def _check(self, request: Request) -> None:
        """Raises NoSuchModel where the path names another model, or another version."""
        asked = request.path_params
        name, version = asked.get("model"), asked.get("version")
        if name not in (None, self._model.name) or version not in (None, self._model.version):
            raise NoSuchModel(*self._model)

    async def server(self, request: Request) -> Response:
        """Answers /v2."""
        described = {"name": "scoreserve", "version": __version__, "extensions": _EXTENSIONS}
        return self._ok(request, described)

    async def live(self, request: Request) -> Response:
        """Answers /v2/health/live."""
        return self._ok(request, {"live": True})

    async def ready(self, request: Request) -> Response:
        """Answers /v2/health/ready. The protocol asks for 4xx; 503 is what probes understand.
        KServe's client reads the body, Triton's the status.
        """
        ready = self._is_ready()
        return self._ok(request, {"ready": ready}, ready=ready)

    async def metadata(self, request: Request) -> Response:
        """Answers /v2/models/M: what goes in, and what comes out."""
        self._check(request)
        error = self._not_ready()
        if error is not None:
            raise error
        name, version = self._model
        return self._ok(request, {"name": name, "versions": [version], **self._tensors()})

    async def openapi(self, request: Request) -> Response:
        """Answers /v2/openapi.json."""
        error = self._not_ready()
        if error is not None:
            raise error
        return self._ok(request, v2_document.document(self._model, self._tensors()))

    async def model_ready(self, request: Request) -> Response:
        """Answers /v2/models/M/ready."""
        self._check(request)
        ready = self._is_ready()
        return self._ok(request, {"name": self._model.name, "ready": ready}, ready=ready)

    async def models(self, request: Request) -> Response:
        """Answers /v1/models."""
        return self._ok(request, {"models": [self._model.name]})

    async def score(self, request: Request) -> Response:
        """Answers what is scored."""
        self._check(request)
        return await self._scored(request)

    async def ping(self, request: Request) -> Response:
        """Answers MLflow's /ping and /health."""
        status = 200 if self._is_ready() else 503
        return ReplyResponse(self._replies.ok(head_of(request.scope), HTML, b"\n", status=status))

    async def version(self, request: Request) -> Response:
        """Answers MLflow's /version."""
        body = __version__.encode()
        return ReplyResponse(self._replies.ok(head_of(request.scope), HTML, body))


class ErrorWording:
    """Has errors told in the words of the protocol that a path belongs to."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            protocol = of_path(scope["path"].encode())
            if scope["path"] in _MLFLOW_PATHS:
                protocol = MLFLOW
            if protocol in self._names:
                scope[ERROR_WORDS] = _words(protocol)
        await self._app(scope, receive, send)


def _words(protocol: str) -> Callable[[ErrorReply], Reply]:
    """V2 has no 502: a server that is not ready is 503, and a worker that died a failure, 500."""

    def worded(reply: ErrorReply) -> Reply:
        status = reply.status
        if status == _BAD_GATEWAY:
            status = 503 if isinstance(reply.error, NotReady) else 500
        return reply.worded(status, error_body(protocol, status, reply.error.message))

    return worded
