"""What the commands about one entry script have in common: how they are told of it.

    the script       the argument, or --entry-script, or AZUREML_ENTRY_SCRIPT, or score.py here
    its model        --model-dir, or AZUREML_MODEL_DIR, or the folder `model` beside the script

The rest is found as `scoreserve serve` finds it.
"""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from scoreserve.cli.flags import Parser, checked, no_such
from scoreserve.cli.settings_help import default_text, metavar
from scoreserve.errors import ConfigurationError
from scoreserve.model_files import is_model
from scoreserve.settings import Settings, sources
from scoreserve.settings_loader import load

_COLUMNS = 80
_USUAL_SCRIPT = "score.py"
_USUAL_MODEL_DIR = "model"

# What is worth other words here than in the table of settings.
_HELP = {
    "entry_script": "The entry script, as SCRIPT. Default: AZUREML_ENTRY_SCRIPT, or score.py here.",
    "model_dir": "The model directory, which the script finds in AZUREML_MODEL_DIR. Default: the"
    " folder `model` beside the script.",
    "app_root": "The folder that imports of the script start from. Default: this folder.",
}


def add_command(
    commands: argparse._SubParsersAction[Parser],
    usage: str,
    *,
    summary: str,
    description: str,
    example: str,
) -> Parser:
    """A command, of which `usage` begins with the name, with help that ends in an example."""
    indented = "".join(f"  {line}\n" for line in example.splitlines())
    return commands.add_parser(
        usage.partition(" ")[0],
        usage=f"scoreserve {usage}",
        help=summary,
        description=textwrap.fill(description, _COLUMNS),
        epilog=f"example:\n{indented}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_flags(command: Parser, names: Sequence[str], defaults: Mapping[str, Any] = {}) -> None:
    """SCRIPT, and a flag for each of these settings; `defaults` are the command's own."""
    command.add_argument(
        "script", nargs="?", metavar="SCRIPT", help="The entry script. Default: score.py here."
    )
    rows = dict(sources())
    for name in names:
        source = rows[name]
        assert source.flag is not None, name
        switch: dict[str, Any] = {"nargs": "?", "const": True} if source.switch else {}
        default = defaults.get(name, getattr(Settings(), name))
        told = _HELP.get(name) or source.help + default_text(source, default)
        command.add_argument(
            source.flag,
            dest=name,
            metavar=metavar(source).strip("[]"),  # argparse puts them around what may be left out
            type=checked(source.parse),
            **switch,
            help=told.replace("%", "%%"),
        )


def values(command: Parser, arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """What the flags say, by setting. The script and its model directory are found where else they
    are named, or where they usually are; `names` has both, and `model`.

    Ends the process with 2 for a script that is not there.
    """
    found = {name: getattr(arguments, name) for name in names}
    script = arguments.script or found["entry_script"]
    if script is not None and is_model(script):
        found["model"] = os.path.abspath(script)
    elif script is not None:
        _require(command, script)
        found["entry_script"] = os.path.abspath(script)
    try:
        settings = load(found, os.environ, os.getcwd()).settings
    except ConfigurationError:  # which whoever starts says
        return found
    if settings.entry_script and not settings.model:
        found["entry_script"] = os.path.abspath(settings.script_path or "")
    elif not settings.model and os.path.isfile(_USUAL_SCRIPT):
        found["entry_script"] = os.path.abspath(_USUAL_SCRIPT)
    found["model_dir"] = settings.model_dir or _model_beside(found["entry_script"])
    return found


def _require(command: Parser, script: str) -> None:
    """Ends the process with 2 if there is no such file."""
    if os.path.isfile(script):
        return
    folder = os.path.dirname(script) or os.curdir
    if os.path.isdir(script):
        command.error(f"{script} is a folder: name the script in it, such as {script}/score.py")
    if not os.path.isdir(folder):
        command.error(f"no folder {os.path.abspath(folder)}")
    there = [os.path.join(os.path.dirname(script), name) for name in os.listdir(folder)]
    scripts = [path for path in there if path.endswith(".py")]
    command.error(no_such("file", script, scripts, command.prog))


def _model_beside(script: str | None) -> str | None:
    """The usual model directory, if it is there."""
    beside = os.path.join(os.path.dirname(script or ""), _USUAL_MODEL_DIR)
    return beside if script is not None and os.path.isdir(beside) else None
