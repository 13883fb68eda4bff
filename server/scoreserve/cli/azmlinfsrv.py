"""`azmlinfsrv`: the reference's command, flags and exit codes (its args.py)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from scoreserve import __version__, logs
from scoreserve.cli.flags import checked
from scoreserve.cli.serve import serve
from scoreserve.errors import EXIT_USAGE
from scoreserve.settings import sources

_log = logging.getLogger("azmlinfsrv")


def main(argv: Sequence[str] | None = None) -> None:
    """Serves as the flags say. Exits the process."""
    parser = _parser()
    arguments = vars(parser.parse_args(argv))
    if not (arguments["entry_script"] or arguments["config_file"]):
        logs.configure_default()
        _log.error("Error!")
        _log.error(
            "Either provide an entry_script using --entry_script or provide a path to the"
            " configuration file using --config_file"
        )
        sys.exit(EXIT_USAGE)
    serve(arguments, _REFERENCE_DEFAULTS, like_reference=True)


# The log's lines are those of the reference, unless others are asked for.
_REFERENCE_DEFAULTS = {"access_log": "two", "log_color": "never"}


class _ReferenceParser(argparse.ArgumentParser):
    """Ends as the reference does: with 1 after the help without its usage line; --help too."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: error: {message}\n", file=sys.stderr)
        self.usage = argparse.SUPPRESS
        self.print_help()
        sys.exit(EXIT_USAGE)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(EXIT_USAGE, message)


# (flag, setting, help) as the reference's args.py has them.
_REFERENCE_FLAGS = (
    ("--entry_script", "entry_script", "The relative or absolute path to the scoring script."),
    (
        "--model_dir",
        "model_dir",
        "The relative or absolute path to the model directory. The model directory will be"
        " accessible through the 'AZUREML_MODEL_DIR' environment variable.",
    ),
    (
        "--appinsights_instrumentation_key",
        "app_insights_key",
        "The instrumentation key to the application insights where the logs will be published.",
    ),
    ("--port", "port", "The serving port of the server. Default is 5001."),
    ("--health_port", "health_port", "The health port of the server. Default is 5000."),
    (
        "--worker_count",
        "workers",
        "The number of worker processes which will process concurrent requests. Default is 1.",
    ),
    (
        "--access_control_allow_origins",
        "cors_origins",
        'Enable CORS for the specified origins. Separate multiple origins with ",". Example:'
        ' "microsoft.com, bing.com"',
    ),
    ("--config_file", "config_file", "The relative or absolute path to the configuration file"),
)


def _parser() -> argparse.ArgumentParser:
    parser = _ReferenceParser(
        description=f"Azure ML Inferencing HTTP server, by scoreserve v{__version__}"
    )
    parse = {name: source.parse for name, source in sources()}
    for flag, name, explanation in _REFERENCE_FLAGS:
        parser.add_argument(flag, dest=name, help=explanation, type=checked(parse[name]))
    parser.add_argument("--rest", action="store_const", const=None, help=argparse.SUPPRESS)
    return parser
