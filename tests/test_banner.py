"""What is printed at the start, in the reference's form."""

from __future__ import annotations

import pytest

from scoreserve import __version__, settings_loader
from scoreserve.banner import banner
from scoreserve.settings import Settings

WHOLE = f"""\
a remark
another

scoreserve v{__version__}


Server Settings
---------------
Entry Script Name: /app/score.py
Model Directory: models
Config File: None
Worker Count: 2
Worker Timeout (seconds): 300
Server Port: 6000
Health Port: 6000
Application Insights Enabled: false
Application Insights Key: None
Inferencing HTTP server version: scoreserve/{__version__}
CORS for the specified origins: None
Create dedicated endpoint for health: None


Server Routes
---------------
Liveness Probe: GET   127.0.0.1:6000/
Score:          POST  127.0.0.1:6000/score
"""

CHOSEN = Settings(
    entry_script="/app/score.py", model_dir="models", app_root="/app", workers=2, port=6000
)


def environ(chosen: Settings) -> dict[str, str]:
    """What scripts would find of these settings in their environment."""
    return settings_loader.exported(chosen)


def test_tells_settings_and_routes() -> None:
    shown = {**environ(CHOSEN), "WORKER_TIMEOUT": "300", "AML_APP_INSIGHTS_ENABLED": "false"}
    assert banner(CHOSEN, shown, ["a remark", "another"]) == WHOLE


def test_tells_a_health_port_of_its_own() -> None:
    chosen = Settings(app_root="/app", port=6000, health_port=6001, separate_health=True)
    shown = {**environ(chosen), "SEPERATE_HEALTH_ENDPOINT": "true"}
    lines = banner(chosen, shown).splitlines()
    assert "Health Port: 6001" in lines
    assert "Create dedicated endpoint for health: true" in lines
    assert "Liveness Probe: GET   127.0.0.1:6001/" in lines
    assert "Score:          POST  127.0.0.1:6000/score" in lines


def test_a_health_port_that_is_not_asked_for_is_not_told() -> None:
    chosen = Settings(app_root="/app", port=6000, health_port=6001)
    assert "6001" not in banner(chosen, environ(chosen))


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("AML_APP_INSIGHTS_KEY", "secret", "Application Insights Key: AppInsights key provided"),
        (
            "AML_CORS_ORIGINS",
            "a.test, b.test",
            "CORS for the specified origins: Enabling CORS for a.test, b.test",
        ),
        ("AZUREML_CONFIG_FILE", "/app/mine.json", "Config File: /app/mine.json"),
        ("WORKER_COUNT", "2", "Worker Count: 2"),
    ],
)
def test_tells_what_scripts_will_find(variable: str, value: str, line: str) -> None:
    text = banner(CHOSEN, {variable: value})
    assert line in text.splitlines()
    assert "secret" not in text


def test_a_missing_model_directory_is_told_first() -> None:
    """The reference does not mind either."""
    text = banner(Settings(app_root="/app"), {})
    assert text.startswith(
        "The environment variable 'AZUREML_MODEL_DIR' has not been set.\n"
        "Use the --model_dir command line argument to set it.\n"
    )
    assert "AZUREML_MODEL_DIR" not in banner(CHOSEN, environ(CHOSEN))
