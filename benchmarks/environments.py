"""One virtual environment a server, made under .bench/ when it is first needed.

What goes in is pinned in requirements/NAME.txt. A digest of that file and of the Python version is
the stamp: when either changes the environment is made anew. scoreserve's own holds this checkout as
its users get it, compiled, and gets it anew when the server's files change.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scoreserve.bench.failure import BenchmarkError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BENCH = ROOT / ".bench"
MODELS = BENCH / "models"
OURS = "scoreserve"
INSTALL_SECONDS = 900.0
PREPARE_SECONDS = 300.0


def bin_directory(name: str) -> Path:
    """Where the executables of the environment are, or will be."""
    return BENCH / name / "bin"


def ensure(name: str) -> None:
    """Make the environment unless it is there and current; raises BenchmarkError."""
    requirements = HERE / "requirements" / f"{name}.txt"
    stamp = BENCH / name / ".installed"
    wanted = _digest(requirements)
    if not _is_current(stamp, wanted):
        print(f"installing {name} into {BENCH / name}", file=sys.stderr, flush=True)
        shutil.rmtree(BENCH / name, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(BENCH / name)], name)
        install = [*_installer(name), "-r", str(requirements)]
        _run(install, name)
        stamp.write_text(wanted, encoding="utf-8")
    if name == OURS:
        _ensure_checkout()


def _ensure_checkout() -> None:
    """Install this checkout unless it is there as it is now; raises BenchmarkError."""
    stamp = BENCH / OURS / ".checkout"
    wanted = _digest(ROOT / "pyproject.toml", *sorted((ROOT / "server").rglob("*.py")))
    if _is_current(stamp, wanted):
        return
    print("compiling and installing this checkout", file=sys.stderr, flush=True)
    _run([*_installer(OURS), "--no-deps", "--force-reinstall", str(ROOT)], OURS)
    stamp.write_text(wanted, encoding="utf-8")


def ensure_models() -> None:
    """Train and copy the models, with the versions that all environments share."""
    ensure(OURS)
    stamp = MODELS / ".made"
    wanted = _digest(HERE / "requirements" / f"{OURS}.txt", HERE / "prepare.py")
    if _is_current(stamp, wanted):
        return
    print(f"making the models in {MODELS}", file=sys.stderr, flush=True)
    command = [str(bin_directory(OURS) / "python"), "-m", "benchmarks.prepare", str(MODELS)]
    _run(command, "the models", PREPARE_SECONDS)
    stamp.write_text(wanted, encoding="utf-8")


def _is_current(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted


def _digest(*files: Path) -> str:
    """Of the files' contents and the Python version."""
    digest = hashlib.sha256(platform.python_version().encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _installer(name: str) -> list[str]:
    """uv when it is at hand, which is faster; pip otherwise."""
    python = str(bin_directory(name) / "python")
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _run(command: list[str], what: str, seconds: float = INSTALL_SECONDS) -> None:
    """Raises BenchmarkError with the end of what the command said."""
    try:
        subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or error.stdout.strip())[-1500:]
        raise BenchmarkError(f"cannot install {what}: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"cannot install {what}: {error}") from error
