"""`scoreserve dev`: serves an entry script while it is written."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any, NoReturn

from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command, add_flags, values
from scoreserve.cli.serve import serve
from scoreserve.start_lines import DOCS_PACKAGE

_FLAGS = (
    *("entry_script", "model", "model_dir", "app_root", "config_file"),
    *("port", "host", "workers", "max_batch_size", "batching", "log_level", "log_format"),
)
_HOST = "127.0.0.1"  # tracebacks are for whoever sits at this machine

# Beside the flags. None of it is for a server that others can reach.
_WHILE_WRITING = {"reload": True, "show_tracebacks": True, "pages": True}
# VS Code's debugger, and PyCharm's: each is in the process before we are.
_DEBUGGERS = ("debugpy", "pydevd")
# A run() that stands at a breakpoint takes as long as it takes.
_UNDER_A_DEBUGGER = {"scoring_timeout_ms": 0, "worker_timeout_s": 0}

_NOTICE = "For development: clients see tracebacks, and the script is loaded anew when you save it."

_NO_PAGE = "For the page at /docs, where requests can be tried: pip install 'scoreserve[docs]'"


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "dev [SCRIPT] [FLAGS]",
        summary="serve an entry script while you write it",
        description="Serves an entry script on this machine only. It loads the script anew when you"
        " save it, waits for your edit when the script cannot start, and shows the traceback of"
        " run() in the answer. All settings of `scoreserve serve` can be given as environment"
        " variables.",
        example="scoreserve dev score.py\n"
        "curl -d @sample_request.json -H 'Content-Type: application/json' localhost:5001/score",
    )
    add_flags(command, _FLAGS, {"host": _HOST})
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    chosen = _chosen(values(command, arguments, _FLAGS))
    print(_NOTICE, file=sys.stderr)
    if find_spec(DOCS_PACKAGE) is None:
        print(_NO_PAGE, file=sys.stderr)
    sys.stderr.flush()
    serve(chosen)


def _chosen(flags: dict[str, Any]) -> dict[str, Any]:
    """What a server for development is given on its command line, by setting."""
    debugging = _UNDER_A_DEBUGGER if any(each in sys.modules for each in _DEBUGGERS) else {}
    return {**flags, **_WHILE_WRITING, **debugging, "host": flags["host"] or _HOST}
