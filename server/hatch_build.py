"""Compiles the modules that every score request goes through, when the wheel is built.

They are plain typed Python, and stay in the wheel: mypyc makes extension modules of them, which the
interpreter prefers. `SCORESERVE_COMPILE` says whether it does:

    auto   (the default) where mypyc and a C compiler are at hand; else the wheel is pure Python
    yes    or the build fails
    no     the wheel is pure Python, for any platform

An editable installation is never compiled: what is edited there is what runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_GROUP = "scoreserve"  # names the library that all the modules share


class NotCompiled(Exception):
    """What mypyc and the compiler said."""

    @property
    def reason(self) -> str:
        """The last line of it."""
        return str(self).rpartition("\n")[2]


class CompileHook(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling's hook. Its `modules` are the files to compile, relative to server/."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds what is compiled to the wheel."""
        wanted = os.environ.get("SCORESERVE_COMPILE", "auto")
        if wanted not in {"auto", "yes", "no"}:
            raise ValueError(f"SCORESERVE_COMPILE is {wanted!r}; it may be auto, yes or no")
        if wanted == "no" or version == "editable":
            return
        server = Path(self.root, "server")
        self._built = tempfile.TemporaryDirectory(prefix="scoreserve-build-")
        out = Path(self._built.name)
        try:
            _compile(server, self.config["modules"], out)
        except NotCompiled as error:
            if wanted == "yes":
                raise
            self.app.display_warning(f"scoreserve is not compiled: {error.reason}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for file in (out / "lib").rglob("*.so"):
            build_data["force_include"][str(file)] = str(file.relative_to(out / "lib"))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leaves nothing behind."""
        if hasattr(self, "_built"):
            self._built.cleanup()


def _compile(server: Path, modules: list[str], out: Path) -> None:
    """Compiles these files of `server`; the extension modules are under `out`/lib.

    Raises NotCompiled. In a process of its own, since setuptools ends the one it fails in.
    """
    command = [sys.executable, __file__, str(out), *modules]
    done = subprocess.run(
        command,
        cwd=server,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise NotCompiled(done.stdout.strip())


def _build(out: str, modules: list[str]) -> None:
    """What the other process does."""
    from mypyc.build import mypycify
    from setuptools import setup

    # Not the project's configuration: what is not installed here has no types, which is no error.
    options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={out}/cache"]
    extensions: Any = mypycify(
        [*options, *modules],
        group_name=_GROUP,
        target_dir=f"{out}/c",
        opt_level="3",
        debug_level="0",
    )
    if sys.platform == "linux":
        for extension in extensions:
            # What the modules call of each other is what is in their library: it may be inlined.
            extension.extra_compile_args.append("-fno-semantic-interposition")
            extension.extra_link_args.append("-Wl,-Bsymbolic-functions")
    setup(
        name=_GROUP,
        packages=[],
        ext_modules=extensions,
        script_args=["build_ext", "--build-lib", f"{out}/lib", "--build-temp", f"{out}/temp"],
    )


if __name__ == "__main__":
    _build(sys.argv[1], sys.argv[2:])
