"""Reads a file of Azure's, and its fields one by one: what is wrong is told with file and field,
and what nobody takes is noted, with the field that may be meant.

As Azure's SDKs have it: what is named .json is JSON and all else YAML; `null`, an empty text and no
such field are the same; a boolean may be the text "true"; unknown fields do no harm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from scoreserve.deploy.text_files import read_text
from scoreserve.errors import DeploymentError
from scoreserve.near_miss import nearest

_BOOLEANS = {"true": True, "false": False}
_INSTALL = "pip install 'scoreserve[deploy]'"


def read(path: Path) -> Mapping[str, Any]:
    """The object that a file holds. Raises DeploymentError."""
    document = _parsed(path, read_text(path))
    if not isinstance(document, dict):
        raise DeploymentError(f"{path}: must hold an object with fields, not {_kind(document)}")
    return document


def _parsed(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DeploymentError(f"{path}: is no JSON: {error}") from None
    try:
        import yaml
    except ModuleNotFoundError:
        raise DeploymentError(f"{path}: YAML needs PyYAML: {_INSTALL}") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date can have a 13th month
        told = " ".join(str(error).split())
        raise DeploymentError(f"{path}: is no YAML: {told}") from None


class Fields:
    """The fields of an object in a file. Each is taken once; `close` notes those that were not."""

    def __init__(
        self, values: Mapping[str, Any], file: str, notes: list[str], at: str = ""
    ) -> None:
        """`file` and `at`, the names of the objects around it, are for messages."""
        self._left = {str(name): value for name, value in values.items()}
        self._written = frozenset(self._left)
        self._file = file
        self._at = at
        self._notes = notes
        self._known: set[str] = set()

    def place(self, name: str) -> str:
        """File and field, as messages begin."""
        return f"{self._file}: {self._at}{name}"

    def refuse(self, name: str, problem: str) -> NoReturn:
        """Raises DeploymentError: the deployment would be another than the file says."""
        raise DeploymentError(f"{self.place(name)}: {problem}{self._misspelt(name)}")

    def note(self, name: str, text: str) -> None:
        """Has something to say about a field, and the deployment goes on."""
        self._notes.append(f"{self.place(name)}: {text}")

    def __contains__(self, name: str) -> bool:
        """Whether a field that is not taken yet says anything."""
        return self._left.get(name) not in (None, "")

    def names(self) -> list[str]:
        """The fields that are not taken yet."""
        return list(self._left)

    def take(self, name: str) -> Any:
        """The value, or None where there is none."""
        self._known.add(name)
        value = self._left.pop(name, None)
        return None if value == "" else value

    def text(self, name: str, default: str = "") -> str:
        """A text. Numbers are taken for what they look like, since versions often are some."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            self.refuse(name, f"must be a text, not {_kind(value)}")
        return str(value)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """One of these texts, in whatever case it is written."""
        value = self.text(name, default)
        found = next((each for each in choices if each.lower() == value.lower()), None)
        if found is None:
            self.refuse(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, or its text."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, str):
            value = _BOOLEANS.get(value.lower(), value)
        if not isinstance(value, bool):
            self.refuse(name, f"must be true or false, not {value!r}")
        return value

    def whole(self, name: str, least: int = 0, most: int | None = None) -> int | None:
        """A whole number."""
        value = self.number(name, least, most)
        if value is not None and value != int(value):
            self.refuse(name, f"must be a whole number, not {value}")
        return None if value is None else int(value)

    def number(self, name: str, least: float = 0, most: float | None = None) -> float | None:
        """A number from `least` to `most`, or the text of one."""
        value = self.take(name)
        if value is None:
            return None
        try:
            number = float(value)
            if isinstance(value, bool) or not math.isfinite(number):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            self.refuse(name, f"must be a number, not {value!r}")
        bounds = f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
        if not least <= number <= (float("inf") if most is None else most):
            self.refuse(name, f"must be {bounds}, not {value}")
        return number

    def path(self, name: str, root: Path) -> Path | None:
        """A path of this machine that is there, from `root` on."""
        written = self.text(name)
        if not written:
            return None
        path = root / Path(written).expanduser()
        if not path.exists():
            self.refuse(name, f"no such file or folder: {path}")
        return path.resolve()

    def texts(self, name: str) -> dict[str, str]:
        """A mapping of texts, such as environment variables. Booleans are as Python writes them."""
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.refuse(name, f"must be an object with fields, not {_kind(value)}")
        for key, item in value.items():
            if isinstance(item, (list, Mapping)):
                self.refuse(f"{name}.{key}", f"must be a text, not {_kind(item)}")
        return {str(key): "" if item is None else str(item) for key, item in value.items()}

    def variables(self, name: str) -> dict[str, str]:
        """A mapping of environment variables, which not every text can be."""
        found = self.texts(name)
        for variable, value in found.items():
            if not variable or "=" in variable or "\0" in variable + value:
                self.refuse(name, f"no variable can have the name {variable!r}, or its value")
        return found

    def strings(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(name, f"must be a list, not {_kind(value)}")
        return [str(item) for item in value]

    def inner(self, name: str) -> Fields | None:
        """The object that is the value of a field."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.refuse(name, f"must be an object with fields, not {_kind(value)}")
        return self.within(name, value)

    def within(self, name: str, values: Mapping[str, Any]) -> Fields:
        """The fields of an object inside of this one."""
        return Fields(values, self._file, self._notes, f"{self._at}{name}.")

    def ignore(self, *names: str) -> None:
        """Takes fields that mean nothing here."""
        for name in names:
            self.take(name)

    def only_in_azure(self, reasons: Mapping[str, str]) -> None:
        """Takes fields that a container cannot honour, each with the reason, and notes those that
        say something.
        """
        for name, reason in reasons.items():
            if self.take(name) is not None:
                self.note(name, f"ignored: {reason}")

    def close(self) -> None:
        """Notes what is left over: fields that nobody knows."""
        for name in self._unknown():
            near = nearest(name, self._known)
            meant = f' (did you mean "{near}"?)' if near else ""
            self._notes.append(f'{self._file}: unknown field "{self._at}{name}"{meant}, ignored')

    def _misspelt(self, name: str) -> str:
        """What to say of a field that there is in the place of one that there is not."""
        near = None if name in self._written else nearest(name, self._left)
        return f' (is "{self._at}{near}" meant to be it?)' if near else ""

    def _unknown(self) -> Iterator[str]:
        return (name for name, value in self._left.items() if value not in (None, ""))


def _kind(value: Any) -> str:
    names = {type(None): "nothing", list: "a list", dict: "an object", bool: "true or false"}
    return names.get(type(value), f"the {'text' if isinstance(value, str) else 'value'} {value!r}")
