"""Application Insights: switched on only with a key that can be one."""

from __future__ import annotations

import pytest

from scoreserve import app_insights

KEY = "12345678-1234-1234-1234-123456789abc"
VALID = ["Valid Application Insights instrumentation key provided."]
INVALID = [
    "Invalid Application Insights instrumentation key provided.",
    "Application Insights has been disabled.",
]


@pytest.mark.parametrize(
    ("enabled", "key", "holds", "printed"),
    [
        ("true", KEY, "true", VALID),
        ("true", KEY.upper(), "true", VALID),
        ("true", KEY + "0", "false", INVALID),
        ("true", KEY.replace("-", ""), "false", INVALID),
        ("true", f"{{{KEY}}}", "false", INVALID),
        ("true", "not a key", "false", INVALID),
        ("true", "", "false", INVALID),
        ("true", None, "false", []),
        ("false", KEY, "false", []),
        ("True", KEY, "false", []),
        ("", KEY, "false", []),
        (None, KEY, "false", []),
        (None, None, "false", []),
    ],
)
def test_what_holds_is_left_in_the_environment(
    enabled: str | None, key: str | None, holds: str, printed: list[str]
) -> None:
    asked = {"AML_APP_INSIGHTS_ENABLED": enabled, "AML_APP_INSIGHTS_KEY": key}
    environ = {name: value for name, value in asked.items() if value is not None}
    assert app_insights.settle(environ) == printed
    assert environ.pop("AML_APP_INSIGHTS_ENABLED") == holds
    assert environ == ({} if key is None else {"AML_APP_INSIGHTS_KEY": key})
