"""`scoreserve serve`: serves an entry script."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from scoreserve import app_insights, logs, stdio
from scoreserve import setting_values as read
from scoreserve.banner import banner
from scoreserve.cgroup import available_cpus
from scoreserve.cli import settings_help
from scoreserve.cli.flags import Parser, checked
from scoreserve.compute_budget import thread_limits
from scoreserve.errors import EXIT_BOOT, ConfigFileError, ConfigurationError
from scoreserve.model_files import is_model
from scoreserve.settings import sources
from scoreserve.settings_loader import Loaded, exported, forget_secrets, load
from scoreserve.start_failure import StartFailure, tell
from scoreserve.start_lines import start_lines
from scoreserve.telemetry.model_data import collector

_log = logging.getLogger("azmlinfsrv")


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags: one a setting."""
    command = commands.add_parser("serve", help="serve an entry script over HTTP")
    command.help_text = settings_help.help_text
    command.add_argument("script", nargs="?", metavar="SCRIPT", type=checked(read.text))
    for name, source in sources():
        if source.flag is not None:
            # A switch needs no value: `--reload` is `--reload true`.
            switch: dict[str, Any] = {"nargs": "?", "const": True} if source.switch else {}
            command.add_argument(
                source.flag,
                dest=name,
                metavar=settings_help.metavar(source),
                type=checked(source.parse),
                **switch,
                help=source.help.replace("%", "%%"),
            )
    command.set_defaults(run=_run, parser=command)


def _run(arguments: argparse.Namespace) -> NoReturn:
    cli = vars(arguments)
    if cli["script"] is not None:
        if is_model(cli["script"]):
            setting, what, flag = "model", "model", "--model"
        else:
            setting, what, flag = "entry_script", "script", "--entry-script"
        if cli[setting] is not None:
            cli["parser"].error(f"the {what} is named twice, as SCRIPT and by {flag}")
        cli[setting] = cli["script"]
    serve(cli)


def serve(
    arguments: Mapping[str, Any],
    defaults: Mapping[str, Any] = MappingProxyType({}),
    *,
    like_reference: bool = False,
) -> NoReturn:
    """Runs the server with these command-line values, by setting name, and the command's own
    `defaults`. `like_reference`: what is printed is what the reference prints. Exits the process.
    """
    stdio.install(stdio.FRONT_PATIENCE_SECONDS)
    cli = dict(arguments)
    if cli.get("app_insights_key"):
        cli["app_insights_enabled"] = "true"  # the flag of the one means both, as in the reference
    if cli.get("config_file"):
        cli["config_file"] = os.path.realpath(cli["config_file"])
    if cli.get("entry_script"):
        cli["entry_script"] = _absolute(cli["entry_script"])
    try:
        loaded = load(cli, os.environ, os.getcwd(), defaults)
        chosen = loaded.settings
        custom_logs = logs.configure(chosen)
        collecting = [] if chosen.model_data_dir is None else collector.settle(os.environ)
    except ConfigurationError as error:
        _refuse_configuration(error, cli, like_reference=like_reference)
    _warn(loaded)
    for warning in collecting:
        _log.warning(warning)
    forget_secrets(os.environ)
    os.environ.update(exported(chosen))
    insights = app_insights.settle(os.environ)
    text = banner(chosen, os.environ, insights) if like_reference else start_lines(chosen)
    if chosen.log_format == "json" and not custom_logs:
        _log.info(text.strip())
    else:
        print(text, flush=True)
    if chosen.share_cpus:
        _share_cpus(chosen.workers)
    # Imported late: a wrong flag should be told without waiting for gunicorn.
    from scoreserve.front.arbiter import Arbiter

    Arbiter(chosen, custom_logs=custom_logs).run()
    raise AssertionError("gunicorn's arbiter returned")


def _absolute(path: str) -> str:
    """The path from the root on, with its links as they are: where they lead to may be gone when a
    worker is started later, as when Kubernetes updates a ConfigMap.
    """
    path = os.path.join(os.getcwd(), path)
    short = os.path.normpath(path)
    # Behind a link to a folder, `..` is not what it seems to be.
    folder, short_folder = map(os.path.realpath, map(os.path.dirname, (path, short)))
    return short if folder == short_folder else path


def _warn(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        _log.warning(warning)
    if loaded.config is not None and loaded.config.unknown_keys:
        _log.warning(
            "Found extra keys in the config file that are not supported by the server.\n"
            "Extra keys = %s",
            list(loaded.config.unknown_keys),
        )


def _share_cpus(workers: int) -> None:
    """Sets, in the environment that the workers inherit, how many threads their libraries start."""
    cpus = available_cpus()
    limits = thread_limits(cpus, workers, os.environ)
    os.environ.update(limits)
    decided = " ".join(f"{name}={value}" for name, value in limits.items())
    _log.info(
        "%d CPU(s) for %d worker(s): %s", cpus, workers, decided or "thread counts are the user's"
    )


def _refuse_configuration(
    error: ConfigurationError, cli: Mapping[str, Any], *, like_reference: bool
) -> NoReturn:
    """Says which setting cannot be used, and exits the process."""
    form = cli.get("log_format") or os.environ.get("SCORESERVE_LOG_FORMAT")
    logs.configure_default(log_format="json" if form == "json" else "text")
    if like_reference:
        _refuse_like_reference(error)
    remedy = error.remedy or (
        f"Correct it. `scoreserve serve --help` says what {error.setting} may be."
    )
    if os.path.isfile(error.setting):
        remedy = "Correct the file, or take it away."
    what = str(error).replace(f" ({error.where})", "")
    tell(StartFailure(what, error.where, remedy), as_json=form == "json")
    sys.exit(EXIT_BOOT)


def _refuse_like_reference(error: ConfigurationError) -> None:
    if isinstance(error, ConfigFileError):
        _log.critical("Invalid config file!: %s", error)
        return
    _log.critical(
        "\n===============Configuration Error=================\n"
        "%s\n"
        "===================================================",
        error,
    )
