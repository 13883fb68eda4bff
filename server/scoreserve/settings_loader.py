"""Finds every setting's value: on the command line, in the environment, in config.json.

The order, and where config.json may lie, are the reference's (azureml-inference-server-http 1.5.1).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from scoreserve.errors import ConfigFileError, ConfigurationError
from scoreserve.settings import Settings, Source, sources


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """The config file that was found: its values, and the keys that name no setting."""

    path: str
    values: Mapping[str, Any]
    unknown_keys: tuple[str, ...]


def load(
    cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str
) -> tuple[Settings, ConfigFile | None]:
    """The settings, from the command line's values by setting name (None: not given), the
    environment and the config file that these two lead to.

    Raises ConfigurationError for the first value that cannot be used.
    """
    config = _read_config_file(cli, environ, cwd)
    values: dict[str, Any] = {}
    for name, source in sources():
        found = _find(name, source, cli, environ, config.values if config else {})
        if found is None:
            continue
        label, raw = found
        try:
            values[name] = source.parse(raw)
        except ValueError as error:
            raise ConfigurationError(label, str(error)) from None
    values["app_root"] = values.get("app_root") or cwd
    return Settings(**values), config


def exported(settings: Settings) -> dict[str, str]:
    """What scripts may read from os.environ: the settings marked `export`, where they are set."""
    variables = {
        "AML_APP_ROOT": settings.app_root,
        "HEALTH_PORT": str(settings.listen_health_port),
        "TRANSPORT_PROTOCOL": "grpc",  # the reference sets it, for a part of it that is gone
    }
    for name, source in sources():
        value = getattr(settings, name)
        if source.export and value not in (None, ""):
            variables[source.env[0]] = "true" if value is True else str(value)
    if settings.version_header:
        variables["HTTP_X_MS_SERVER_VERSION"] = settings.version_header
    return variables


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Takes what the settings keep secret out of an environment that scripts will see."""
    for _, source in sources():
        if source.secret:
            for variable in source.env:
                environ.pop(variable, None)


def _find(
    name: str,
    source: Source,
    cli: Mapping[str, Any],
    environ: Mapping[str, str],
    file_values: Mapping[str, Any],
) -> tuple[str, Any] | None:
    """(the name the user knows it by, the raw value), or None where it is not set."""
    if cli.get(name) is not None:
        return source.flag or name, cli[name]
    for variable in source.env if source.read_env else ():
        if variable in environ:
            return variable, environ[variable]
    for key in source.env:
        if file_values.get(key) is not None:
            return key, file_values[key]
    return None


def _read_config_file(
    cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str
) -> ConfigFile | None:
    for candidate in _config_candidates(cli, environ, cwd):
        try:
            text = candidate.read_text(encoding="utf-8")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigFileError(str(candidate), f"cannot be read: {error}") from None
        if text:
            return _parse_config_file(candidate, text)
    return None


def _config_candidates(
    cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str
) -> Iterator[Path]:
    explicit = cli.get("config_file") or environ.get("AZUREML_CONFIG_FILE")
    if explicit:
        yield Path(cwd, explicit)
    yield Path(cwd, cli.get("app_root") or environ.get("AML_APP_ROOT") or cwd, "config.json")
    script = cli.get("entry_script") or environ.get("AZUREML_ENTRY_SCRIPT")
    if script:
        yield Path(cwd, script).parent / "config.json"


def _parse_config_file(path: Path, text: str) -> ConfigFile:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigFileError(str(path), f"is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigFileError(str(path), "must hold a JSON object")
    known = {key for _, source in sources() for key in source.env}
    unknown = tuple(str(key) for key in values if key not in known)
    return ConfigFile(str(path), values, unknown)
