"""Application Insights: the settings are checked and printed as the reference does.

Nothing is sent yet. Whoever switches it on is told so once.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping

_ENABLED = "AML_APP_INSIGHTS_ENABLED"
_KEY = "AML_APP_INSIGHTS_KEY"
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

NOTHING_SENT = (
    "Application Insights is enabled, but this version of scoreserve sends nothing to it."
)


def settle(environ: MutableMapping[str, str]) -> list[str]:
    """Sets AML_APP_INSIGHTS_ENABLED to what holds: `true` only with a valid key.

    Returns the lines to print about it.
    """
    asked = environ.get(_ENABLED) == "true" and _KEY in environ
    valid = asked and _UUID.fullmatch(environ[_KEY]) is not None
    environ[_ENABLED] = "true" if valid else "false"
    if valid:
        return ["Valid Application Insights instrumentation key provided."]
    if asked:
        return [
            "Invalid Application Insights instrumentation key provided.",
            "Application Insights has been disabled.",
        ]
    return []
