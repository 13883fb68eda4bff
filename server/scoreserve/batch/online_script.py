"""An online script, as /score serves it, over lines, files and tables.

    jsonl, lines    each line is the body of a request
    files           each file is
    csv, parquet    a mini-batch is: records in the first parameter of a run() under @input_schema,
                    else {"data": [[...], ...]}, as in Azure's tutorials

Results are lines `{"index": i, "result": ...}`, or `{"index": i, "error": ...}` for an item that
failed; i is the item's place in the whole input. A run() over a table that returns a value for each
row has a line for each, and so does a model without a script, with its outputs by name if there are
several; any other result has one for its mini-batch, with the number of `rows`.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from scoreserve import heads
from scoreserve.batch.lines import read_lines
from scoreserve.batch.tables import TableReader
from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import MiniBatch, Work
from scoreserve.errors import BadInput, BootError, ReplyError, ResultUnusable, ScriptFailed
from scoreserve.heads import RequestHead
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.nocode import loading
from scoreserve.worker.script import after_fork, json_text, results
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.script_runner import ScriptRunner, run_init

_JSON = (b"content-type", b"application/json")
_HEAD = RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"127.0.0.1:0", (_JSON,))
_DATA = "data"  # the member that Azure's tutorials have their rows in


class OnlineScript:
    """The script, loaded. `init()` comes before the first mini-batch. Raises BootError, or what the
    script's code raises.
    """

    def __init__(self, work: Work, settings: Settings, watchdog: Watchdog) -> None:
        self._work = work
        self._watchdog = watchdog
        # Over its time, run() is interrupted, if it can be. What goes on is for the watchdog.
        limit_ms = int(work.run_timeout_seconds * 1000)
        self._settings = replace(settings, scoring_timeout_ms=limit_ms)
        self._script = loading.load(self._settings)
        self._convention = convention_of(self._script.run)
        if self._convention.raw:
            raise BootError(
                "run() is under @rawhttp, and there are no HTTP requests in a batch",
                remedy="Write a run(mini_batch) or a run(raw_data).",
            )
        self._head = heads.encode_head(_HEAD)
        self._tables = TableReader(work.form) if work.form.is_table else None
        self._runner: ScriptRunner | None = None

    def init(self) -> None:
        coroutines = run_init(self._script.init)
        if self._script.after_fork is not None:
            coroutines = after_fork.call(self._script.after_fork, 0, coroutines)
        self._runner = ScriptRunner(self._script.run, self._convention, self._settings, coroutines)

    def shutdown(self) -> None:
        if self._runner is not None:
            self._runner.end()

    def score(self, batch: MiniBatch) -> tuple[int, bytes, str]:
        """How many items succeeded, the lines, and what the last that failed failed with."""
        if self._tables is not None:
            return self._score_table(self._tables, batch)
        lines = []
        errors = []
        for index, body in enumerate(self._bodies(batch), batch.first):
            line, error = self._line(index, body)
            lines.append(line)
            errors += [error] if error else []
        return len(lines) - len(errors), self._written(lines), errors[-1] if errors else ""

    def _line(self, index: int, body: bytes) -> tuple[bytes, str]:
        """The line for an item, and what it failed with."""
        try:
            return b'{"index": %d, "result": %s}\n' % (index, self._text(self._value(body))), ""
        except ReplyError as error:
            told = _told(error)
            return json_text.dumps({"index": index, "error": told}) + b"\n", told

    def _score_table(self, tables: TableReader, batch: MiniBatch) -> tuple[int, bytes, str]:
        assert batch.part is not None
        frame = tables.read(batch.part)
        rows = len(frame)
        value = self._value(self._body_of(frame))
        each = _by_rows(value, rows)
        if each is None and self._settings.script_path is None:
            each = _by_columns(value, rows)
        if each is None:
            text = self._text(value)
            line = b'{"index": %d, "rows": %d, "result": %s}\n' % (batch.first, rows, text)
            return batch.items, self._written([line]), ""
        lines = [
            b'{"index": %d, "result": %s}\n' % (index, json_text.dumps(item))
            for index, item in enumerate(each, batch.first)
        ]
        return batch.items, self._written(lines), ""

    def _bodies(self, batch: MiniBatch) -> Iterator[bytes]:
        if batch.part is not None:
            yield from (line.encode() for line in read_lines(batch.part))
        for path in batch.paths:
            with open(path, "rb") as file:
                yield file.read()

    def _body_of(self, frame: Any) -> bytes:
        if self._convention.text_parameter is not None:
            text = frame.to_json(orient="values", date_format="iso")
            return b'{"%s": %s}' % (_DATA.encode(), text.encode())
        parameter = next(iter(inspect.signature(self._script.run).parameters))
        text = frame.to_json(orient="records", date_format="iso")
        return b"{%s: %s}" % (json.dumps(parameter).encode(), text.encode())

    def _value(self, body: bytes) -> Any:
        """What run() returns for it, under the time limit, tried again where it raises. Raises
        ReplyError.
        """
        assert self._runner is not None
        (call,) = self._runner.read([WireJob(0, self._head, body)])
        if isinstance(call, Outcome):
            raise BadInput(json.loads(call.body)["message"])
        # A table's mini-batch is tried again as a whole.
        tries = 1 if self._tables is not None else self._work.max_tries
        for _ in range(tries - 1):
            with contextlib.suppress(ScriptFailed):
                return self._once(call)
        return self._once(call)

    def _once(self, call: Call) -> Any:
        assert self._runner is not None
        with self._watchdog:
            return self._runner.call(call)

    def _text(self, value: Any) -> bytes:
        """The value as JSON in one line. Raises ReplyError."""
        outcome = results.result(0, value, self._head, 0.0, strict_json=self._settings.strict_json)
        if not isinstance(outcome, Outcome):
            raise ResultUnusable("run() returned a stream, which has no place in a line")
        text = bytes(outcome.body).decode("utf-8", "replace")
        if outcome.status >= 400:
            raise BadInput(f"status {outcome.status}: {text}")
        is_json = b"application/json" in outcome.head
        return text.replace("\n", " ").encode() if is_json else json.dumps(text).encode()

    def _written(self, lines: list[bytes]) -> bytes:
        return b"" if self._work.summary_only else b"".join(lines)


def _by_rows(value: Any, rows: int) -> list[Any] | None:
    """The value as one for each row, if it is."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    return plain if isinstance(plain, list) and len(plain) == rows else None


def _by_columns(value: Any, rows: int) -> list[Any] | None:
    """The named outputs of a model as one object for each row, if all have a value for each."""
    if not isinstance(value, dict) or not value:
        return None
    columns = [_by_rows(each, rows) for each in value.values()]
    if None in columns:
        return None
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def _told(error: ReplyError) -> str:
    cause = error.__cause__
    return error.message if cause is None else f"{type(cause).__name__}: {cause}"
