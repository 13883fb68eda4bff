"""`scoreserve check`: what would become of an entry script, found out without a server."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NoReturn

from scoreserve.check.findings import Finding, Level
from scoreserve.cli.flags import Parser, checked
from scoreserve.cli.script_flags import add_command, add_flags, values
from scoreserve.cli.terminal import Progress, coloured, counted
from scoreserve.errors import EXIT_FAILED, EXIT_INTERRUPTED, ConfigurationError
from scoreserve.setting_values import between
from scoreserve.settings import Settings
from scoreserve.settings_loader import exported, load
from scoreserve.telemetry.model_data import collector

_FLAGS = (
    *("entry_script", "model", "model_dir", "app_root", "config_file"),
    *("batching", "stateless", "batch_exact"),
)
_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}
_SECONDS = 300  # as WORKER_TIMEOUT
_LONGEST_SECONDS = 86_400


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "check [SCRIPT] [FLAGS]",
        summary="say what would fail, without a server",
        description="Says what would fail if an entry script were served: its imports, its"
        " functions, its model directory, init(), its schema, and a request from"
        " sample_request.json. Says too whether requests can share calls of the model, or which"
        " line stands in the way. Exits with 0, or with 1 where there is an error.",
        example="scoreserve check score.py --model-dir ./model",
    )
    add_flags(command, _FLAGS)
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=checked(between(1, _LONGEST_SECONDS)),
        default=_SECONDS,
        help=f"Longest time that each step, such as init(), may take. Default: {_SECONDS}.",
    )
    command.add_argument(
        "--output",
        choices=("text", "json"),
        default="text",
        help="`text` for people, `json` for programs. Default: text.",
    )
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    chosen = values(command, arguments, _FLAGS)
    progress = Progress()
    as_json = arguments.output == "json"
    found: list[Finding] = []
    try:
        settings = load(chosen, os.environ, os.getcwd()).settings
        os.environ.update(exported(settings))
        if settings.model_data_dir is not None:
            collector.keep_to_itself(os.environ)
        for finding in _findings(settings, arguments.timeout, progress):
            progress.end()
            found.append(finding)
            if not as_json:
                _show(finding)
    except ConfigurationError as error:
        found.append(Finding("settings", Level.ERROR, f"{error.setting}: {error.problem}"))
        if not as_json:
            _show(found[-1])
    except KeyboardInterrupt:
        progress.tell("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
    errors = sum(finding.level is Level.ERROR for finding in found)
    print(_as_json(found) if as_json else f"\n{_summary(found)}")
    sys.exit(EXIT_FAILED if errors else 0)


def _findings(settings: Settings, seconds: float, progress: Progress) -> Iterator[Finding]:
    """What is found in the script's text, and then, if that is good, by running it."""
    from scoreserve.check import files, watch  # late: `scoreserve serve` has no use for them

    failed = False
    for finding in files.findings(settings):
        failed = failed or finding.level is Level.ERROR
        yield finding
    if not failed:
        yield from watch.findings(settings, seconds, lambda stage: progress.say(f"{stage} ..."))


def _show(finding: Finding) -> None:
    """A line for the finding, and one each for where it is and what to do."""
    mark = coloured(f"{finding.level.value:<8}", _COLOURS[finding.level], sys.stdout)
    indent = "\n" + " " * 25
    print(f"{mark} {finding.about:<16}{finding.text.replace(chr(10), indent)}")
    for text in filter(None, (finding.where, finding.remedy)):
        print(f"{indent[1:]}{text.replace(chr(10), indent)}")
    sys.stdout.flush()


def _summary(found: Sequence[Finding]) -> str:
    errors = sum(finding.level is Level.ERROR for finding in found)
    warnings = sum(finding.level is Level.WARNING for finding in found)
    counts = [counted(errors, "error"), counted(warnings, "warning")]
    if errors:
        return f"{' and '.join(counts)}. Correct the errors before you serve this script."
    return "Ready to serve." if not warnings else f"Ready to serve, with {counts[1]}."


def _as_json(found: Sequence[Finding]) -> str:
    failed = any(finding.level is Level.ERROR for finding in found)
    return json.dumps({"ok": not failed, "findings": [each._asdict() for each in found]}, indent=2)
