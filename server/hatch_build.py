"""Compiles the modules that every score request goes through, when the wheel is built.

They are plain typed Python, and stay in the wheel: mypyc makes extension modules of them, which the
interpreter prefers. `SCORESERVE_COMPILE` says whether it does:

    auto   (the default) where mypyc and a C compiler are at hand; else the wheel is pure Python
    yes    or the build fails
    no     the wheel is pure Python, for any platform

mypyc takes 4 seconds of CPU and the C compiler 40, on as many CPUs as there are. What was compiled
stays in `.build/` of the checkout, so a second build for the same Python compiles only what has
changed. `pip install -v .` shows what is done.

An editable installation is never compiled: what is edited there is what runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NAME = "scoreserve"

# Where `python -m azureml_inference_server_http` finds a package of that name if no real one is
# installed, which comes earlier on sys.path: relative to the packages' directory.
_BY_NAME = f"{_NAME}/cli/by_name"


class NotCompiled(Exception):
    """What mypyc and the compiler said."""

    @property
    def reason(self) -> str:
        """The last line of it."""
        return str(self).rpartition("\n")[2]


class WheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling's hook. Its `modules` are the files to compile, relative to server/."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds to the wheel what no file of the checkout is."""
        wanted = os.environ.get("SCORESERVE_COMPILE", "auto")
        if wanted not in {"auto", "yes", "no"}:
            raise ValueError(f"SCORESERVE_COMPILE is {wanted!r}; it may be auto, yes or no")
        self._scratch = tempfile.TemporaryDirectory(prefix="scoreserve-build-")
        server = Path(self.root, "server")
        editable = version == "editable"
        path_file = Path(self._scratch.name, f"{_NAME}.pth")
        path_file.write_text(f"{server / _BY_NAME if editable else _BY_NAME}\n")
        included = build_data["force_include_editable" if editable else "force_include"]
        included[str(path_file)] = path_file.name
        if editable or wanted == "no":
            return
        modules = self.config["modules"]
        began = time.monotonic()
        try:
            _check_tools()
            self.app.display_info(
                f"{_NAME}: compiling {len(modules)} modules with mypyc and the C compiler, in up to"
                " a minute (SCORESERVE_COMPILE=no leaves them Python)"
            )
            compiled = _compile(server, modules, Path(self._scratch.name))
        except NotCompiled as error:
            if wanted == "yes":
                raise
            self.app.display_warning(f"{_NAME} is not compiled: {error.reason}")
            return
        self.app.display_info(f"{_NAME}: compiled in {time.monotonic() - began:.0f} s")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for file in compiled.rglob("*.so"):
            included[str(file)] = str(file.relative_to(compiled))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leaves nothing behind but what the next build can use."""
        self._scratch.cleanup()


def _check_tools() -> None:
    """Raises NotCompiled, within a moment, where a tool is missing."""
    if importlib.util.find_spec("mypyc") is None:
        raise NotCompiled("mypyc is missing: pip install mypy")
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "look.c")
        source.write_text("#include <Python.h>\n")
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))
        include = sysconfig.get_path("include")
        try:
            _run([*compiler, f"-I{include}", "-E", str(source), "-o", os.devnull])
        except OSError as error:
            raise NotCompiled(f"no C compiler ({error})") from None


@contextmanager
def _build_directory(root: Path, modules: list[str], scratch: Path) -> Iterator[Path]:
    """A directory where the next build by the same tools finds what this one has compiled. It is
    ours alone for now; `scratch` where the checkout cannot be written.
    """
    made_with = (
        Path(__file__).read_text(encoding="utf-8"),
        importlib.metadata.version("mypy"),
        sys.version,
        *(os.environ.get(name, "") for name in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS")),
        *modules,
    )
    key = hashlib.sha256("\0".join(made_with).encode()).hexdigest()[:16]
    directory = root / ".build" / f"{sysconfig.get_config_var('SOABI')}-{key}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError:
        yield scratch
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory


def _compile(server: Path, modules: list[str], scratch: Path) -> Path:
    """Compiles these files of `server`, in a process of its own, since setuptools ends the one it
    fails in. Returns where in `scratch` the extension modules are. Raises NotCompiled.
    """
    compiled = scratch / "compiled"
    # So that the same Python becomes the same C.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with _build_directory(server.parent, modules, scratch) as directory:
        under_way = directory / "under-way"
        if under_way.exists():  # a build was cut off here, perhaps while it wrote a library
            shutil.rmtree(directory / "lib", ignore_errors=True)
        under_way.touch()
        _run([sys.executable, __file__, str(directory), *modules], cwd=server, env=environment)
        shutil.copytree(directory / "lib", compiled)
        under_way.unlink()
    return compiled


def _run(command: list[str], **options: Any) -> None:
    """Raises NotCompiled with what the command said, when it fails."""
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode != 0:
        raise NotCompiled(done.stdout.strip() or f"{command[0]} ended with {done.returncode}")


def _libraries(modules: list[str]) -> list[tuple[list[str], str | None]]:
    """Which modules go into which library: two, so that two CPUs compile them. What both sides
    share is with the front's, which calls it more often; calls between libraries are not inlined.
    """
    worker = [path for path in modules if "/worker/" in path]
    rest = [path for path in modules if path not in worker]
    return [(rest, _NAME), (worker, f"{_NAME}_worker")]


def _build(directory: Path, modules: list[str]) -> None:
    """What the other process does: compiles into `directory` what is not there yet."""
    from mypyc.build import mypycify
    from setuptools import setup

    # Not the project's configuration: what is not installed here has no types, which is no error.
    options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={os.devnull}"]
    extensions: list[Any] = mypycify(
        [*options, *modules],
        separate=_libraries(modules),
        target_dir=str(directory / "c"),
        opt_level="3",
        debug_level="0",
    )
    if sys.platform == "linux":
        for extension in extensions:
            # What the modules call of each other is what is in their library: it may be inlined.
            # A new list, since mypyc's is that of all extensions.
            extension.extra_compile_args = [
                *extension.extra_compile_args,
                "-fno-semantic-interposition",
            ]
            extension.extra_link_args = ["-Wl,-Bsymbolic-functions"]
    # The longest first, so that all CPUs are done at about the same time.
    extensions.sort(key=lambda extension: -Path(extension.sources[0]).stat().st_size)
    build_ext = ["build_ext", "--parallel", str(os.cpu_count() or 1)]
    build_ext += ["--build-lib", str(directory / "lib"), "--build-temp", str(directory / "objects")]
    setup(
        name=_NAME,
        packages=[],
        ext_modules=extensions,
        script_args=build_ext,
    )


if __name__ == "__main__":
    _build(Path(sys.argv[1]), sys.argv[2:])
