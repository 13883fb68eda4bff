"""The command line: `scoreserve serve`, and `azmlinfsrv` with the reference's exact flags."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from scoreserve import __version__, app_insights, logs, settings, stdio, wire
from scoreserve.banner import printout
from scoreserve.cgroup import available_cpus
from scoreserve.compute_budget import thread_limits
from scoreserve.errors import EXIT_BOOT, EXIT_USAGE, ConfigFileError, ConfigurationError

_log = logging.getLogger("azmlinfsrv")


def main(argv: Sequence[str] | None = None) -> None:
    """`scoreserve`."""
    serve(vars(_scoreserve_parser().parse_args(argv)))


def azmlinfsrv(argv: Sequence[str] | None = None) -> None:
    """`azmlinfsrv`: the reference's command, flags and exit codes (its args.py)."""
    parser = _azmlinfsrv_parser()
    arguments = vars(parser.parse_args(argv))
    if not (arguments["entry_script"] or arguments["config_file"]):
        logs.configure_default()
        _log.error("Error!")
        _log.error(
            "Either provide an entry_script using --entry_script or provide a path to the"
            " configuration file using --config_file"
        )
        sys.exit(EXIT_USAGE)
    serve(arguments)


def serve(arguments: Mapping[str, Any]) -> NoReturn:
    """Runs the server with these command-line values, by setting name. Exits the process."""
    stdio.install(stdio.FRONT_PATIENCE_SECONDS)
    cli = dict(arguments)
    if cli.get("app_insights_key"):
        cli["app_insights_enabled"] = "true"  # the flag of the one means both, as in the reference
    for name in ("entry_script", "config_file"):
        if cli.get(name):
            cli[name] = os.path.realpath(cli[name])
    try:
        chosen, config = settings.load(cli, os.environ, os.getcwd())
        custom_logs = logs.configure(chosen)
    except ConfigurationError as error:
        _refuse_configuration(error)
    if config is not None and config.unknown_keys:
        _log.warning(
            "Found extra keys in the config file that are not supported by the server.\n"
            "Extra keys = %s",
            list(config.unknown_keys),
        )
    settings.forget_secrets(os.environ)
    os.environ.update(settings.exported(chosen))
    insights = app_insights.settle(os.environ)
    text = printout(chosen, os.environ, insights)
    if chosen.log_format == "json" and not custom_logs:
        _log.info(text.strip())
    else:
        print(text, flush=True)
    if os.environ["AML_APP_INSIGHTS_ENABLED"] == "true":
        _log.warning(app_insights.NOTHING_SENT)
    if chosen.worker_preload:
        _log.warning("WORKER_PRELOAD has no effect: every worker runs init() itself.")
    if chosen.share_cpus:
        _share_cpus(chosen.workers)
    # Imported late: a wrong flag should be told without waiting for gunicorn.
    from scoreserve.front.arbiter import Arbiter

    Arbiter(chosen, custom_logs=custom_logs).run()
    raise AssertionError("gunicorn's arbiter returned")


def _share_cpus(workers: int) -> None:
    """Sets, in the environment that the workers inherit, how many threads their libraries start."""
    cpus = available_cpus()
    limits = thread_limits(cpus, workers, os.environ)
    os.environ.update(limits)
    decided = " ".join(f"{name}={value}" for name, value in limits.items())
    _log.info(
        "%d CPU(s) for %d worker(s): %s", cpus, workers, decided or "thread counts are the user's"
    )


def _refuse_configuration(error: ConfigurationError) -> NoReturn:
    logs.configure_default()
    if isinstance(error, ConfigFileError):
        _log.critical("Invalid config file!: %s", error)
        sys.exit(EXIT_BOOT)
    _log.critical(
        "\n===============Configuration Error=================\n"
        "%s: %s (environment variable: %s)\n"
        "===================================================",
        error.setting,
        error.problem,
        error.setting,
    )
    sys.exit(EXIT_BOOT)


def _version() -> str:
    """The version, and whether it is compiled (see hatch_build.py)."""
    compiled = not str(wire.__file__).endswith(".py")
    return f"scoreserve {__version__}{' (compiled)' if compiled else ''}"


def _scoreserve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scoreserve", description="The scoring container for Azure ML entry scripts."
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "serve",
        help="serve an entry script",
        description="Serves an entry script. Every flag may also be set by the environment variable"
        " or the config.json key in brackets; a flag wins over both.",
    )
    defaults = settings.Settings()
    for name, source in settings.sources():
        if source.flag is not None:
            variable = source.env[0] if source.read_env else f"config file: {source.env[0]}"
            # A switch needs no value: `--reload` is `--reload true`.
            switch: dict[str, Any] = {"nargs": "?", "const": True} if source.switch else {}
            command.add_argument(
                source.flag,
                dest=name,
                metavar=source.unit.upper() or "VALUE",
                type=_checked(source.parse),
                **switch,
                help=f"{source.help} [{variable}; default: {getattr(defaults, name) or 'none'}]",
            )
    return parser


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


def _azmlinfsrv_parser() -> argparse.ArgumentParser:
    parser = _ReferenceParser(
        description=f"Azure ML Inferencing HTTP server, by scoreserve v{__version__}"
    )
    parse = {name: source.parse for name, source in settings.sources()}
    for flag, name, explanation in _REFERENCE_FLAGS:
        parser.add_argument(flag, dest=name, help=explanation, type=_checked(parse[name]))
    parser.add_argument("--rest", action="store_const", const=None, help=argparse.SUPPRESS)
    return parser


def _checked(parse: Callable[[Any], Any]) -> Callable[[str], Any]:
    def check(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, not {text!r}") from None

    return check
