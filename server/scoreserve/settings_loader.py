"""Finds every setting's value: on the command line, in the environment, in config.json.

The order, and where config.json may lie, are the reference's (azureml-inference-server-http 1.5.1).
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from scoreserve import setting_names
from scoreserve.errors import ConfigFileError, ConfigurationError
from scoreserve.settings import Settings, Source, sources


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """The config file that was found: its values, and the keys that name no setting."""

    path: str
    values: Mapping[str, Any]
    unknown_keys: tuple[str, ...]


class Written(NamedTuple):
    """A setting's value as the user wrote it."""

    label: str  # the name that the user knows the setting by
    origin: str
    raw: Any

    def told(self, source: Source, problem: object) -> str:
        """What is wrong with it, in the reference's words for an environment variable."""
        shown = "" if source.secret else f". The value is {_shortened(self.raw)}."
        return f"{problem} ({self.origin}){shown}"


class Loaded(NamedTuple):
    """The settings, the config file that was found, and what is worth a warning."""

    settings: Settings
    config: ConfigFile | None
    warnings: tuple[str, ...]


_COMMAND_LINE = "command line"
_LONGEST_SHOWN = 100  # characters of a value


def load(
    cli: Mapping[str, Any],
    environ: Mapping[str, str],
    cwd: str,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Loaded:
    """The settings, from the command line's values by setting name (None: not given), the
    environment and the config file that these two lead to; else the command's own `defaults`.

    Raises ConfigurationError for the first value that cannot be used.
    """
    config = _read_config_file(cli, environ, cwd)
    values = dict(defaults)
    given = {name for name, value in cli.items() if value is not None}
    warnings = list(setting_names.variable_warnings(environ, given))
    if config is not None:
        warnings += setting_names.key_warnings(config.unknown_keys)
    named = _named_config(cli, environ, cwd)
    if named is not None and not named.exists():
        warnings.append(f"There is no config file at {named}: it is not used.")
    for name, source in sources():
        found = _find(name, source, cli, environ, config)
        if found is None:
            continue
        try:
            values[name] = source.parse(found.raw)
        except ValueError as error:
            told = found.told(source, error)
            if source.stand_in is None or found.origin == _COMMAND_LINE:
                raise ConfigurationError(found.label, told, found.origin) from None
            values[name] = source.stand_in
            warnings.append(f"{found.label}: {told} {source.stand_in!r} is used instead.")
    values["app_root"] = values.get("app_root") or cwd
    settings = Settings(**values)
    _check_together(settings)
    return Loaded(settings, config, tuple(warnings))


def _check_together(settings: Settings) -> None:
    """Raises ConfigurationError where values are of no use together."""
    wait_ms, limit_ms = settings.batch_wait_ms, settings.queue_limit_ms
    if settings.max_batch_size > 1 and limit_ms and wait_ms >= limit_ms:
        raise ConfigurationError(
            "SCORESERVE_BATCH_WAIT_MS",
            f"A request would wait {wait_ms} ms for company, but may wait {limit_ms} ms in all"
            " (SCORESERVE_QUEUE_TIMEOUT_MS, or else SCORING_TIMEOUT_MS)",
        )
    if settings.model and settings.entry_script:
        raise ConfigurationError(
            "SCORESERVE_MODEL (--model)",
            "It serves a model without a script, and there is an entry script"
            f" ({settings.entry_script}): give the script its models with --model-dir",
        )
    if settings.separate_health and settings.health_port == settings.port:
        raise ConfigurationError(
            "HEALTH_PORT", f"Port {settings.port} cannot be the one for scoring and a second one"
        )


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
    """Takes what the settings keep secret out of an environment that scripts will see, and of what
    the kernel shows of it in /proc, for which the block that this process was started with is
    overwritten.
    """
    for _, source in sources():
        if source.secret:
            for variable in source.env:
                if variable in environ:
                    if environ is os.environ:
                        _overwrite(variable)
                    del environ[variable]


def _overwrite(variable: str) -> None:
    import ctypes

    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    address = libc.getenv(os.fsencode(variable))
    if address:
        ctypes.memset(address, ord("*"), len(ctypes.string_at(address)))


def _find(
    name: str,
    source: Source,
    cli: Mapping[str, Any],
    environ: Mapping[str, str],
    config: ConfigFile | None,
) -> Written | None:
    """Where the setting's value is written, or None where it is not set."""
    if cli.get(name) is not None:
        return Written(source.flag or name, _COMMAND_LINE, cli[name])
    for variable in source.env if source.read_env else ():
        value = environ.get(variable)
        if value is None or setting_names.is_service_link(value):
            continue
        if value or not source.unset_if_empty:
            return Written(variable, f"environment variable: {variable}", value)
    if config is not None:
        for key in source.env:
            if config.values.get(key) is not None:
                return Written(key, f"config file: {config.path}", config.values[key])
    return None


def _shortened(raw: Any) -> str:
    shown = repr(raw)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def _read_config_file(
    cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str
) -> ConfigFile | None:
    for candidate in _config_candidates(cli, environ, cwd):
        try:
            content = candidate.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            continue
        except OSError as error:
            raise ConfigFileError(str(candidate), f"cannot be read: {error}") from None
        if content:
            return _parse_config_file(candidate, content)
    return None


def _config_candidates(
    cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str
) -> Iterator[Path]:
    named = _named_config(cli, environ, cwd)
    if named is not None:
        yield named
    yield Path(cwd, cli.get("app_root") or environ.get("AML_APP_ROOT") or cwd, "config.json")
    script = cli.get("entry_script") or environ.get("AZUREML_ENTRY_SCRIPT")
    if script:
        yield Path(cwd, script).parent / "config.json"


def _named_config(cli: Mapping[str, Any], environ: Mapping[str, str], cwd: str) -> Path | None:
    """The config file that the user has named."""
    named = cli.get("config_file") or environ.get("AZUREML_CONFIG_FILE")
    return Path(cwd, named) if named else None


def _parse_config_file(path: Path, content: bytes) -> ConfigFile:
    try:
        values = json.loads(content)  # UTF-8, -16 or -32, with a byte order mark or without
    except UnicodeDecodeError as error:
        raise ConfigFileError(str(path), f"should be saved as UTF-8: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigFileError(str(path), f"is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise ConfigFileError(str(path), "must hold a JSON object")
    known = {key for _, source in sources() for key in source.env}
    unknown = tuple(str(key) for key in values if key not in known)
    return ConfigFile(str(path), values, unknown)
