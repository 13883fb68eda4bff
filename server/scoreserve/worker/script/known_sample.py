"""A request that is known before there are any: from a file, or from @input_schema."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.model_files import model_folder
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.script.calling import Call, Convention
from scoreserve.worker.script.json_text import dumps
from scoreserve.worker.script.sample import sample_arguments
from scoreserve.worker.script.script_runner import ScriptRunner

_FILES = ("sample_request.json", "_samples.json")
_JSON = (b"content-type", b"application/json")


class Sample(NamedTuple):
    """A request that is known: its body, and where it is from."""

    name: str
    body: bytes


def known_sample(
    run: Callable[..., Any], convention: Convention, settings: Settings
) -> Sample | None:
    """The request of a file beside the model or the script, or that of @input_schema."""
    beside = os.path.dirname(settings.script_path or "") or settings.app_root
    for folder in (model_folder(settings), beside):
        for name in _FILES if folder else ():
            path = os.path.join(folder or "", name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    return Sample(name, file.read())
    example = sample_arguments(run, convention.text_parameter, settings)
    if example is None or convention.raw:
        return None
    return Sample("the sample of @input_schema", dumps(example))


def calls_with(sample: Sample, runner: ScriptRunner, count: int) -> list[Call | Outcome]:
    """So many calls with the sample; Outcomes where it is refused."""
    head = RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"127.0.0.1:0", (_JSON,))
    block = heads.encode_head(head)
    return runner.read(WireJob(number, block, sample.body) for number in range(count))
