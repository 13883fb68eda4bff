"""Every error that scoreserve answers a client with or ends a process with.

    ScoreserveError
    ├── ConfigurationError           a setting has a value it cannot have                     exit 3
    │   └── ConfigFileError          the config file cannot be read as one                    exit 3
    ├── BootError                    the entry script cannot serve                            exit 3
    ├── DeploymentError              a deployment's files or its image cannot be used         exit 1
    └── ReplyError                   a request gets this status and message
        ├── BadInput                 the body or the query cannot be turned into input        400
        ├── BadRequest               no HTTP request, or one that two servers may read apart  400
        ├── Unauthorized             no valid API key where one is needed                     401
        ├── NoSuchPath               no route of ours                                         404
        ├── NoSuchModel              not the name of the model that is served                 404
        ├── NoSuchSwagger            a Swagger version that the script has no document for    404
        ├── NoSuchMethod             a route of ours, but not with this method                405
        ├── MethodRefused            a method that run() is never called with                 405
        ├── RequestTimeout           the client stopped sending before its request was whole  408
        ├── NotAcceptable            no form that the client accepts has room for the result  406
        ├── BodyTooLarge             over SCORESERVE_MAX_BODY_BYTES                           413
        ├── UnsupportedInput         a content type that run() is never called with           415
        ├── IdTooLong                a request id over 100 characters                         431
        ├── HeadTooLarge             more or longer headers than any client needs             431
        ├── ScriptAnswered           run() returned a response that tells of an error         its
        ├── ScriptFailed             run() raised                                             500
        ├── ScoringTimeout           run() took longer than SCORING_TIMEOUT_MS                500
        ├── ResultUnusable           run() returned what cannot be sent                       500
        ├── InternalError            a fault of ours                                          500
        ├── WorkerLost               the worker died with the request in its hands            502
        ├── NotReady                 no worker has finished init() yet                        502
        ├── Overloaded               with when to try again
        │   ├── QueueFull            as many requests wait as may                             503
        │   ├── QueueTimeout         it waited for a worker for too long                      503
        │   ├── TooManyBytes         as many bytes of bodies wait as may                      503
        │   └── TooManyConnections   as many clients are connected as may                     503
        └── Stopping                 the server stops before the request could run            503

One place per side turns a ReplyError into a reply: `front.replies` and `worker.outputs`.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_USAGE = 1  # what the reference exits with on a command line it cannot use
EXIT_PORT = 1  # what gunicorn ends with where it cannot listen
EXIT_FLAGS = 2  # what argparse ends a process with for the same
EXIT_FAILED = 1  # what a command was asked for could not be done
EXIT_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended: 128 + 2
EXIT_BROKEN_PIPE = 141  # what a shell says of a program that SIGPIPE ended: 128 + 13
EXIT_BOOT = 3  # gunicorn ends itself, instead of respawning, when a process exits with 3


class ScoreserveError(Exception):
    """Base of every error raised on purpose in this package."""


class ConfigurationError(ScoreserveError):
    """A setting cannot be used. `setting` is the name its user knows it by, and `where` the place
    of its value, as the problem has it in brackets. `remedy` is what to do, where that is more than
    to correct it by what the help of the command says.
    """

    def __init__(self, setting: str, problem: str, where: str = "", remedy: str = "") -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem
        self.where = where
        self.remedy = remedy


class ConfigFileError(ConfigurationError):
    """A config file cannot be used. `setting` is its path."""


class BootError(ScoreserveError):
    """The entry script was not found, cannot be imported, or has no usable init() and run().

    The message is for the log, in the reference's words where it has some; `what`, `where` and
    `remedy` are for the server's last words (StartFailure).
    """

    def __init__(self, message: str, *, what: str = "", where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.what = what or message
        self.where = where
        self.remedy = remedy


class DeploymentError(ScoreserveError):
    """A deployment cannot be packaged or run: which file and field, what is wrong, what to do."""


class ReplyError(ScoreserveError):
    """Ends one request with `status` and the JSON body `{"message": ...}`.

    `run_failed` is what the reply says in `x-ms-run-function-failed`, and `extra` are headers of
    the reply. `shed` is the reason, in a word for the metrics, where a request that could have been
    scored is turned away.
    """

    status = 500
    run_failed = False
    shed: str = ""
    extra: Sequence[tuple[bytes, bytes]] = ()

    @property
    def message(self) -> str:
        return str(self.args[0])

    def with_cause(self, cause: BaseException) -> ReplyError:
        """Itself, as `raise ... from cause` leaves it: compiled by mypyc, that sets no cause."""
        self.__cause__ = cause
        return self


class BadInput(ReplyError):
    status = 400


class BadRequest(ReplyError):
    status = 400

    def __init__(self, message: str = "The request is not valid HTTP.") -> None:
        super().__init__(message)


class Unauthorized(ReplyError):
    status = 401
    extra = ((b"www-authenticate", b"Bearer"),)

    def __init__(self) -> None:
        super().__init__("A valid API key is needed, in the header `Authorization: Bearer KEY`.")


class NoSuchPath(ReplyError):
    """The words are Flask's, which clients of the reference may look for."""

    status = 404

    def __init__(self) -> None:
        super().__init__(
            "The requested URL was not found on the server. If you entered the URL manually please"
            " check your spelling and try again."
        )


class NoSuchSwagger(ReplyError):
    status = 404


class NoSuchModel(ReplyError):
    status = 404

    def __init__(self, name: str, version: str) -> None:
        super().__init__(f"This server has one model, {name!r}, in version {version!r}.")


class NoSuchMethod(ReplyError):
    status = 405

    def __init__(self) -> None:
        super().__init__("The method is not allowed for the requested URL.")


class MethodRefused(ReplyError):
    status = 405

    def __init__(self, message: str = "Method not allowed") -> None:
        super().__init__(message)


class NotAcceptable(ReplyError):
    status = 406


class RequestTimeout(ReplyError):
    status = 408

    def __init__(self) -> None:
        super().__init__("The request did not arrive in time.")


class BodyTooLarge(ReplyError):
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")


class UnsupportedInput(ReplyError):
    status = 415


class IdTooLong(ReplyError):
    """`headers` are the ids that the reply still carries."""

    status = 431

    def __init__(self, names: str, longest: int, headers: list[tuple[bytes, bytes]]) -> None:
        super().__init__(f"{names} must not exceed {longest} characters")
        self.headers = headers


class HeadTooLarge(ReplyError):
    status = 431

    def __init__(self, limit: str) -> None:
        super().__init__(f"The request's head is over the limit of {limit}.")


class ScriptAnswered(ReplyError):
    """A script's own answer, on its way through a protocol that has words of its own for errors."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.run_failed = status >= ReplyError.status


class ScriptFailed(ReplyError):
    status = 500
    run_failed = True

    def __init__(self) -> None:
        super().__init__(
            "An unexpected error occurred in scoring script. Check the logs for more info."
        )


class ScoringTimeout(ReplyError):
    status = 500
    run_failed = True

    def __init__(self, timeout_ms: int) -> None:
        super().__init__(f"Scoring timeout after {timeout_ms} ms")


class ResultUnusable(ReplyError):
    status = 500

    def __init__(
        self,
        message: str = "An unexpected internal error occurred. Check the logs for more info.",
    ) -> None:
        super().__init__(message)


class InternalError(ReplyError):
    status = 500

    def __init__(self) -> None:
        super().__init__("An unexpected internal error occurred. Check the logs for more info.")


class WorkerLost(ReplyError):
    status = 502
    run_failed = True


class NotReady(ReplyError):
    status = 502


class Overloaded(ReplyError):
    """`seconds` is when the same request may well be served."""

    status = 503

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.extra = ((b"retry-after", b"%d" % seconds),)


class QueueFull(Overloaded):
    shed = "queue_full"

    def __init__(self, waiting: int, seconds: int) -> None:
        super().__init__(f"The server is busy: {waiting} requests are waiting.", seconds)


class QueueTimeout(Overloaded):
    shed = "deadline"

    def __init__(self, limit_ms: int, seconds: int) -> None:
        super().__init__(
            f"The request waited for a scoring worker for more than {limit_ms} ms and was not run.",
            seconds,
        )


class TooManyBytes(Overloaded):
    shed = "queue_bytes"

    def __init__(self, limit_bytes: int, seconds: int) -> None:
        super().__init__(
            f"The server is busy: with this one, more than {limit_bytes} bytes of request bodies"
            " would be waiting.",
            seconds,
        )


class TooManyConnections(Overloaded):
    shed = "connections"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The server is busy: {limit} clients are connected.", 1)


class Stopping(ReplyError):
    status = 503
    shed = "stopping"

    def __init__(self) -> None:
        super().__init__("The server is stopping and did not run this request.")
