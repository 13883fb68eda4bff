"""Names that are no setting's, though they seem to be meant for one. Pure.

A misspelt variable would be ignored in silence, so these are warned about:

ours     `SCORESERVE_...`: nobody else's names begin so
near     any other that is nearly a setting's: the first two letters are equal, and difflib's ratio
         is at least 0.9, which is one letter in ten, both in upper case; and the right name is not
         set as well. Azure and others set many `AZUREML_...`, `WORKER_...` that are not for us, so
         no more than these.
unread   a setting that is given on the command line or in the file only

What Kubernetes sets for a service is not meant for anybody here: `tcp://10.0.0.1:80` is no value
of a setting, and names such as `SCORESERVE_SERVICE_HOST` and `WORKER_PORT_80_TCP` are not warned
about.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping

from scoreserve.settings import Source, sources

_OURS = "SCORESERVE_"
_SAME_LETTERS, _NEAR_RATIO = 2, 0.9
_SUGGESTED_RATIO = 0.7  # for a name that is wrong in any case

# Set or read by other parts of this project than the settings' table.
_READ_ELSEWHERE = frozenset(
    {
        "SCORESERVE_BENCH_MARK",
        "SCORESERVE_COMPILE",
        "SCORESERVE_CONDA_SOLVER",
        "SCORESERVE_CONDA_STRICT",
        "SCORESERVE_EXIT_CODE_FILE",
        "SCORESERVE_LIST_PACKAGES",
        "SCORESERVE_SCRIPT_OF_PARENT",
        "SCORESERVE_WORKER_INDEX",
    }
)

# What a Kubernetes service called `scoreserve` puts into the environment of each pod:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_LINK_NAME = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://[^/\s]+:\d+")


def is_service_link(value: str) -> bool:
    """Whether a variable's value is what Kubernetes says of a service's port."""
    return _LINK_VALUE.fullmatch(value) is not None


def variable_warnings(environ: Mapping[str, str], given: Container[str]) -> Iterator[str]:
    """What is worth a warning in the environment. Settings that were `given` on the command line,
    by their names, are not missed there.
    """
    known = {variable: (name, row) for name, row in sources() for variable in row.env}
    read: dict[str, list[str]] = {}
    for variable, (_, row) in known.items():
        if row.read_env:
            read.setdefault(variable[:_SAME_LETTERS], []).append(variable)
    for variable, value in environ.items():
        if _LINK_NAME.fullmatch(variable) or is_service_link(value):
            continue
        if variable in known:
            name, row = known[variable]
            if not row.read_env and name not in given:
                yield (
                    f"The environment variable {variable} has no effect: use the flag {row.flag},"
                    f" or the key {variable} of config.json."
                )
        elif variable.startswith(_OURS):
            if variable not in _READ_ELSEWHERE:
                yield f"No setting is called {variable}: it has no effect.{_meant(variable)}"
        elif (near := _near(variable, read)) and near not in environ:
            yield f"{variable} has no effect: did you mean {near}?"


def key_warnings(keys: Iterable[str]) -> Iterator[str]:
    """For keys of the config file that no setting has: which one is meant, where that can be
    told.
    """
    for key in keys:
        meant = _meant(key, in_file=True)
        if meant:
            yield f"No setting is called {key} in the config file.{meant}"


def _near(variable: str, known: Mapping[str, list[str]]) -> str:
    """The setting's variable that this one nearly is, or "". `known` are by their first letters:
    environments are large, and difflib takes its time.
    """
    written = variable.upper().replace("-", "_")
    alike = known.get(written[:_SAME_LETTERS])
    if alike is None:
        return ""
    from difflib import get_close_matches

    return next(iter(get_close_matches(written, alike, n=1, cutoff=_NEAR_RATIO)), "")


def _meant(written: str, *, in_file: bool = False) -> str:
    """The sentence that suggests the setting which is most like what is written, or ""."""
    from difflib import get_close_matches

    by_word = {word: row for name, row in sources() for word in (_bare(name), *map(_bare, row.env))}
    found = get_close_matches(_bare(written), by_word, n=1, cutoff=_SUGGESTED_RATIO)
    return f" Did you mean {_shown(by_word[found[0]], in_file=in_file)}?" if found else ""


def _shown(row: Source, *, in_file: bool) -> str:
    return row.env[0] if row.read_env or in_file else f"the flag {row.flag}"


def _bare(name: str) -> str:
    """The name without whose it is, so that SCORESERVE_WORKERS is like `workers`."""
    return re.sub(r"^(SCORESERVE|AZUREML|AML)_", "", name.upper().replace("-", "_").strip("_"))
