"""An MLflow model without a script, scored as Azure's batch endpoints score one.

predict() is called once for each file of a mini-batch, or with a part of a table. The results are
rows without a header, as Azure's docs have them:

    row,prediction,file      of tables: a line for each row, `row` is its place in the file, from 0
    prediction,file          of images: a line for each file

A prediction of several values, or named ones, is written as JSON.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Iterator
from typing import Any

from scoreserve import model_files
from scoreserve.batch import rendering
from scoreserve.batch.mlflow_inputs import InputReader, is_table
from scoreserve.batch.tables import TableReader
from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import MiniBatch, OutputFormat, Slice, Work
from scoreserve.settings import Settings
from scoreserve.worker.nocode import mlflow_models
from scoreserve.worker.script import json_text

Row = dict[str, Any]


class MLflowScript:
    """The model, loaded. Raises BootError where it cannot be."""

    def __init__(self, work: Work, settings: Settings, watchdog: Watchdog) -> None:
        self._work = work
        self._watchdog = watchdog
        found = model_files.find(settings)
        assert found is not None  # the driver has looked
        self._model, about, _ = mlflow_models.opened(found.path, settings)
        signature = about.signature
        self._reader = InputReader(None if signature is None else signature.inputs)
        self._tables = TableReader(work.form) if work.form.is_table else None

    def init(self) -> None:
        """There is none."""

    def shutdown(self) -> None:
        """There is none."""

    def score(self, batch: MiniBatch) -> tuple[int, bytes, str]:
        """How many items succeeded, their lines, and what the last that failed failed with. A part
        of a table fails as a whole: raises what the model raises.
        """
        rows: list[Row] = []
        failures: list[str] = []
        with self._watchdog:
            if batch.part is not None:
                rows.extend(self._of_part(batch.part))
            for path in batch.paths:
                found, failure = self._of_file(path)
                rows += found
                failures += [failure] if failure else []
        payload = b"" if self._work.summary_only else _rendered(rows, self._work.output_format)
        return batch.items - len(failures), payload, "\n".join(failures)

    def _of_file(self, path: str) -> tuple[list[Row], str]:
        """The rows of a file, and what it failed with in its last try, in Azure's words."""
        for _ in range(self._work.max_tries - 1):
            with contextlib.suppress(Exception):
                return list(self._rows(path)), ""
        try:
            return list(self._rows(path)), ""
        except Exception as error:
            reason = mlflow_models.reason_of(error)
            return [], f"Error processing input file: '{path}'. Exception: {reason}"

    def _rows(self, path: str) -> Iterator[Row]:
        if is_table(path):
            return self._of_frame(self._reader.table(path), path, 0)
        (prediction,) = predictions(self._model.predict(self._reader.image(path)), 1)
        return iter([{"prediction": prediction, "file": os.path.basename(path)}])

    def _of_part(self, part: Slice) -> Iterator[Row]:
        assert self._tables is not None
        return self._of_frame(
            self._tables.read(part, self._reader.texts), part.path, part.first_item
        )

    def _of_frame(self, frame: Any, path: str, first: int) -> Iterator[Row]:
        if frame.empty:
            return iter(())
        found = predictions(self._model.predict(self._reader.typed(frame)), len(frame))
        name = os.path.basename(path)
        return (
            {"row": row, "prediction": prediction, "file": name}
            for row, prediction in enumerate(found, first)
        )


def predictions(result: Any, items: int) -> list[Any]:
    """What predict() returned as one plain value for each of so many items; a result of another
    length is the value of them all.
    """
    values = _listed(result)
    return values if len(values) == items else [values]


def _listed(result: Any) -> list[Any]:
    if isinstance(result, dict):  # named tensors
        columns = {name: _listed(values) for name, values in result.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if rendering.is_frame(result):
        if len(result.columns) > 1:
            return list(result.to_dict(orient="records"))
        result = result.iloc[:, 0]
    if hasattr(result, "tolist"):  # an array, or a Series
        result = result.tolist()
    return result if isinstance(result, list) else [result]


def _rendered(rows: list[Row], form: OutputFormat) -> bytes:
    if form is not OutputFormat.TEXT:
        return rendering.render(rows, form)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return rendering.encoded(text.getvalue())


def _cell(value: Any) -> Any:
    return json_text.dumps(value).decode() if isinstance(value, (list, dict)) else value
