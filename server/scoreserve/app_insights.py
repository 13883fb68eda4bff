"""Application Insights: the settings are checked and printed as the reference does."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from scoreserve.settings import Settings

PROPERTY_CHARACTERS = 8192  # what it keeps of a property's value

_ENABLED = "AML_APP_INSIGHTS_ENABLED"
_KEY = "AML_APP_INSIGHTS_KEY"
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def is_key(text: str | None) -> bool:
    """Whether it is an instrumentation key."""
    return text is not None and _UUID.fullmatch(text) is not None


def is_on(settings: Settings) -> bool:
    """Whether these settings switch it on."""
    return settings.app_insights_enabled and is_key(settings.app_insights_key)


def settle(environ: MutableMapping[str, str]) -> list[str]:
    """Sets AML_APP_INSIGHTS_ENABLED to what holds: `true` only with a valid key.

    Returns the lines to print about it.
    """
    asked = environ.get(_ENABLED) == "true" and _KEY in environ
    valid = asked and is_key(environ[_KEY])
    environ[_ENABLED] = "true" if valid else "false"
    if valid:
        return ["Valid Application Insights instrumentation key provided."]
    if asked:
        return [
            "Invalid Application Insights instrumentation key provided.",
            "Application Insights has been disabled.",
        ]
    return []
