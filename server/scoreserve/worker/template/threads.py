"""Threads of numeric libraries, in a template and in workers that are forked from it.

OpenMP and OpenBLAS keep a team of threads once they have had one, and a forked process waits for a
team that it has not. So in a template they have one thread, whatever the settings say, and each
worker is given back its own number.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator, Mapping

from scoreserve.cgroup import available_cpus
from scoreserve.compute_budget import VARIABLES

# By what is in a library's file name: the function that sets the number of threads, which OpenBLAS
# has under another name in each way of building it.
_SETTERS = {
    "libgomp": ("omp_set_num_threads",),
    "libomp": ("omp_set_num_threads",),
    "libiomp": ("omp_set_num_threads",),
    "openblas": (
        "openblas_set_num_threads",
        "openblas_set_num_threads64_",
        "scipy_openblas_set_num_threads",
        "scipy_openblas_set_num_threads64_",
    ),
}


def limit_to_one() -> dict[str, str | None]:
    """One thread for libraries that are loaded from now on. Returns the variables as they were."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    return before


def restore(before: Mapping[str, str | None]) -> None:
    """The environment as it was, and as many threads for libraries that are loaded."""
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    wanted = (before.get("OMP_NUM_THREADS") or "").partition(",")[0]
    count = int(wanted) if wanted.isdecimal() else available_cpus()
    if count > 1:
        for set_threads in _setters():
            set_threads(count)


def _setters() -> Iterator[Callable[[int], object]]:
    for path in _mapped_libraries():
        for part, names in _SETTERS.items():
            if part in os.path.basename(path):
                with contextlib.suppress(OSError):  # its file has been replaced or deleted
                    library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD)
                    yield from (getattr(library, name) for name in names if hasattr(library, name))


def _mapped_libraries() -> set[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        return {line.split(maxsplit=5)[-1].rstrip("\n") for line in file if ".so" in line}
