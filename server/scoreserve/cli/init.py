"""`scoreserve init`: a folder with a script, a model and all that serving them takes."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from string import Template
from typing import NoReturn

from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command
from scoreserve.errors import EXIT_FAILED

_TEMPLATES = Path(__file__).parent / "templates"
_COMMON = "common"
_KINDS = {
    "plain": "a tiny model in plain Python, which needs no library",
    "sklearn": "a scikit-learn model",
}
_FILLED_IN = frozenset({"README.md", "requirements.txt"})  # `$name` in these stands for a value
_TRAIN = "train.py"


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "init DIR [FLAGS]",
        summary="make a folder with an example that runs",
        description="Makes a folder with an entry script, its model, a sample request,"
        " requirements.txt, Dockerfile, compose.yaml and a launch.json for VS Code. All of it runs"
        " as it is made. Files that are there already are not touched.",
        example="scoreserve init my-model\ncd my-model\nscoreserve dev score.py",
    )
    command.add_argument("folder", metavar="DIR", type=Path, help="The folder to make.")
    command.add_argument(
        "--template",
        choices=_KINDS,
        default="plain",
        help=f"{'; '.join(f'`{kind}`: {what}' for kind, what in _KINDS.items())}. Default: plain.",
    )
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    folder: Path = arguments.folder
    files = dict(_files(arguments.template))
    there = sorted(str(folder / name) for name in files if os.path.lexists(folder / name))
    if there:
        command.error(f"{', '.join(there)}: there already; name another folder")
    try:
        _write(files, folder)
    except OSError as error:
        print(f"{command.prog}: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    for name in sorted(files):
        print(f"  {folder / name}")
    problem = _train(folder)
    print(f"\nThe model is not made yet: {problem}" if problem else f"  {folder / 'model'}{os.sep}")
    make_model = ("pip install -r requirements.txt", f"python {_TRAIN}") if problem else ()
    print("\nNext:\n")
    for line in (f"cd {shlex.quote(str(folder))}", *make_model, "scoreserve dev score.py"):
        print(f"    {line}")
    print("\nand in another terminal, in the same folder:\n")
    print("    curl -H 'Content-Type: application/json' -d @sample_request.json \\")
    print("      http://localhost:5001/score")
    sys.exit(EXIT_FAILED if problem else 0)


def _files(kind: str) -> Iterator[tuple[str, Path]]:
    """Path in the folder, and the template, of each file."""
    for root in (_TEMPLATES / _COMMON, _TEMPLATES / kind):
        for path in root.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield str(path.relative_to(root)), path


def _write(files: dict[str, Path], folder: Path) -> None:
    """Raises OSError, with the file's name, where one cannot be written."""
    words = {"name": folder.resolve().name, **_requirements()}
    for name, template in files.items():
        text = template.read_text(encoding="utf-8")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(Template(text).substitute(words) if name in _FILLED_IN else text)


def _requirements() -> dict[str, str]:
    """What stands for each distribution: with its version, where it is installed."""
    from scoreserve.worker.script.distributions import version_of

    found = {name: version_of(name) for name in ("scikit-learn", "joblib")}
    return {
        name.replace("-", "_"): f"{name}=={version}" if version else name
        for name, version in found.items()
    }


def _train(folder: Path) -> str:
    """Makes the model. Returns what was in the way, if anything was."""
    done = subprocess.run(
        [sys.executable, _TRAIN], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
