"""`scoreserve bench`: which settings suit a script, measured on this machine."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from scoreserve.cgroup import available_cpus
from scoreserve.cli.flags import Parser, checked
from scoreserve.cli.script_flags import add_command, add_flags, values
from scoreserve.cli.terminal import Progress
from scoreserve.errors import EXIT_FAILED, EXIT_INTERRUPTED
from scoreserve.setting_values import between
from scoreserve.settings import sources

# What measures is imported late: `scoreserve serve` has no use for it.
if TYPE_CHECKING:
    from scoreserve.bench.load import Sample
    from scoreserve.bench.servers import Subject

_FLAGS = ("entry_script", "model", "model_dir", "app_root", "config_file", "batching")
_BATCH_SIZES = (1, 8, 32, 128)
_CONNECTIONS = 64
_SECONDS = 3
_ROUNDS = 3
_LIMIT_SECONDS = 300
_USUAL_SAMPLE = "sample_request.json"
_JSON, _BYTES = "application/json", "application/octet-stream"


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "bench [SCRIPT [SAMPLE ...]] [FLAGS]",
        summary="measure which settings suit an entry script",
        description="Serves an entry script with one setting after the other, sends it sample"
        " requests from many connections, and says which settings to use. Each setting is measured"
        " several times, in turn. The load runs on this machine too, and takes some of its CPU.",
        example="scoreserve bench score.py sample_request.json\n"
        "scoreserve bench score.py one_row.json many_rows.json --workers 1,2 --batch-sizes 1,64\n"
        "scoreserve bench score.py sample_request.json --command ./other/bin/azmlinfsrv",
    )
    add_flags(command, _FLAGS)
    command.rest = "samples"
    command.add_argument(
        "samples",
        nargs="*",
        metavar="SAMPLE",
        help="Files with request bodies, sent in turn. Default: sample_request.json beside the"
        " script or in the model directory.",
    )
    command.add_argument(
        "--content-type",
        metavar="TYPE",
        help="Content type of the samples. Default: application/json for a .json file, else"
        " application/octet-stream.",
    )
    _add_plan(command)
    command.add_argument(
        "--command",
        dest="rival",
        metavar="COMMAND",
        help="The command line of another server to compare with, which answers POST /score. In it,"
        " {port}, {script}, {model_dir} and {workers} stand for what it is to use. Without {port},"
        " the command gets the flags of azmlinfsrv.",
    )
    command.set_defaults(run=partial(_run, command))


def _add_plan(command: Parser) -> None:
    positive = checked(between(1, 100_000))
    for flag, metavar, default, text in (
        ("--connections", "N", _CONNECTIONS, "How many clients ask at the same time."),
        (
            "--seconds",
            "SECONDS",
            _SECONDS,
            "How long one reading takes.",
        ),
        ("--rounds", "N", _ROUNDS, "How often each setting is measured."),
        ("--limit", "SECONDS", _LIMIT_SECONDS, "When to stop measuring, and show what there is."),
    ):
        command.add_argument(
            flag,
            metavar=metavar,
            type=positive,
            default=default,
            help=f"{text} Default: {default}.",
        )
    command.add_argument(
        "--workers",
        metavar="N,N,...",
        type=_numbers,
        help="Numbers of workers to try. Default: 1 to the number of CPUs.",
    )
    command.add_argument(
        "--batch-sizes",
        metavar="N,N,...",
        type=_numbers,
        default=list(_BATCH_SIZES),
        help=f"Batch sizes to try; 1: no batching. Default: {','.join(map(str, _BATCH_SIZES))}.",
    )


def _numbers(text: str) -> list[int]:
    """As argparse wants its types."""
    try:
        return sorted({between(1, 65536)(part) for part in text.split(",")})
    except ValueError:
        raise argparse.ArgumentTypeError(f"numbers from 1, as in 1,2,4, not {text!r}") from None


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    from scoreserve.bench.failure import BenchmarkError
    from scoreserve.bench.report import report
    from scoreserve.bench.servers import rivals, running
    from scoreserve.bench.sweep import Plan, Sweep, candidates, in_words, usual_worker_counts

    subject, samples = _asked_for(command, arguments)
    counts = arguments.workers or usual_worker_counts(int(available_cpus()))
    others = rivals(arguments.rival, counts) if arguments.rival else []
    plan = Plan(
        candidates=candidates(counts, arguments.batch_sizes, others),
        connections=arguments.connections,
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        most_seconds=arguments.limit,
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    progress = Progress()
    sweep = Sweep(
        plan,
        lambda candidate: running(candidate, subject, samples),
        progress.say,
        progress.tell,
    )
    code = 0
    try:
        sweep.run()
    except BenchmarkError as error:
        progress.tell(f"scoreserve bench: {error}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        progress.tell("Interrupted; all servers are stopped. This is what was measured until then:")
        code = EXIT_INTERRUPTED
    progress.end()
    print(f"{subject.script} with {', '.join(sample.file.name for sample in samples)}")
    print(f"{plan.connections} connections, readings of {in_words(plan.seconds)}: median (range)\n")
    for line in report(sweep.findings, subject):
        print(line)
    sys.exit(code)


def _asked_for(command: Parser, arguments: argparse.Namespace) -> tuple[Subject, list[Sample]]:
    """What is measured. Ends the process with 2 where a file is not there."""
    from scoreserve.bench.load import Sample
    from scoreserve.bench.servers import Subject

    if arguments.model and arguments.script:  # there is no script, so the first is a sample
        arguments.samples.insert(0, arguments.script)
        arguments.script = None
    found = values(command, arguments, _FLAGS)
    served = found["model"] or found["entry_script"]
    if served is None:
        command.error("name the entry script: scoreserve bench score.py sample.json")
    rows = dict(sources())
    flags = [(rows[name].flag or "", found[name]) for name in _FLAGS if found[name] is not None]
    script = Path(served)
    model_dir = Path(found["model_dir"]) if found["model_dir"] else None
    files = [Path(name) for name in arguments.samples] or _usual_sample(script, model_dir)
    if not files:
        command.error("name a file with a request body: scoreserve bench score.py sample.json")
    missing = [file for file in files if not file.is_file()]
    if missing:
        command.error(f"no file {missing[0]}")
    subject = Subject(
        script,
        model_dir,
        [str(part) for flag in flags for part in flag],
        has_script=not found["model"],
    )
    samples = [Sample(file, arguments.content_type or _type_of(file)) for file in files]
    return subject, samples


def _usual_sample(script: Path, model_dir: Path | None) -> Sequence[Path]:
    folders = [script.parent, *([model_dir] if model_dir else [])]
    return [folder / _USUAL_SAMPLE for folder in folders if (folder / _USUAL_SAMPLE).is_file()][:1]


def _type_of(file: Path) -> str:
    return _JSON if file.suffix == ".json" else _BYTES


def _end(number: int, frame: FrameType | None) -> None:
    """Servers are stopped on the way out."""
    raise SystemExit(128 + number)
