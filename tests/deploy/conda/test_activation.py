"""Active environments: in a command, and in a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scoreserve.deploy.conda import activation, prefixes


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """An environment with a variable and scripts of its own."""
    path = tmp_path / "an env's"
    prefixes.mark(path)
    prefixes.set_variables(path, {"GREETING": "it's $5"})
    for when, line in (("activate", "export HOOK=on"), ("deactivate", "unset HOOK")):
        script = path / "etc" / "conda" / f"{when}.d" / "hook.sh"
        script.parent.mkdir(parents=True)
        script.write_text(line + "\n")
    return path


def shell(lines: str, shown: str) -> list[str]:
    """What a shell has in variables after these lines."""
    values = " ".join(f'"${{{name}-unset}}"' for name in shown.split())
    done = subprocess.run(
        ["/bin/sh", "-euc", f"{lines}\nprintf '%s\\n' {values}"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_shell_has_what_the_environment_sets(env: Path) -> None:
    lines = activation.activate(env, "mine", {"PATH": "/usr/bin:/bin"})
    assert shell(lines, "PATH CONDA_PREFIX CONDA_DEFAULT_ENV GREETING HOOK") == [
        f"{env}/bin:/usr/bin:/bin",
        str(env),
        "mine",
        "it's $5",
        "on",
    ]


def test_and_has_it_no_more_afterwards(env: Path) -> None:
    active = {"PATH": f"{env}/bin:/bin", "CONDA_PREFIX": str(env), "GREETING": "it's $5"}
    lines = f"HOOK=on GREETING=x CONDA_PREFIX=x\n{activation.deactivate(active)}"
    shown = shell(lines, "PATH CONDA_PREFIX CONDA_DEFAULT_ENV GREETING HOOK")
    assert shown == ["/bin", "unset", "unset", "unset", "unset"]


def test_another_environment_takes_the_place_of_the_active_one(env: Path, tmp_path: Path) -> None:
    active = {"PATH": f"{env}/bin:/bin", "CONDA_PREFIX": str(env), "GREETING": "it's $5"}
    lines = f"HOOK=on GREETING=x\n{activation.activate(tmp_path, '', active)}"
    assert shell(lines, "PATH CONDA_PREFIX CONDA_DEFAULT_ENV GREETING HOOK") == [
        f"{tmp_path}/bin:/bin",
        str(tmp_path),
        str(tmp_path),
        "unset",
        "unset",
    ]


def test_nothing_is_active_and_nothing_is_undone() -> None:
    assert activation.deactivate({"PATH": "/bin"}) == ""


def test_a_command_runs_after_the_environment_s_scripts(env: Path) -> None:
    command = activation.command(env, ["sh", "-c", 'echo "$HOOK $1"', "sh", "two words"])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "on two words\n"


def test_a_command_runs_as_it_is_where_there_are_none(tmp_path: Path) -> None:
    assert activation.command(tmp_path, ["runsvdir", "/var/runit"]) == ["runsvdir", "/var/runit"]


def test_the_shell_s_function_passes_other_commands_on(tmp_path: Path) -> None:
    program = tmp_path / "a conda"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = shell.posix ]; then echo "export GOT=\\"$2 $3\\""; else echo "$@"; fi\n'
    )
    program.chmod(0o755)
    lines = f"{activation.shell_function(str(program))}conda activate mine\nconda info --base"
    assert shell(lines, "GOT") == ["info --base", "activate mine"]
