"""What the server prints as it starts: version, settings and routes, in the reference's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scoreserve import __version__
from scoreserve.settings import Settings

# (label, environment variable) in the reference's order, amlserver.py.
_LINES = (
    ("Entry Script Name", "AZUREML_ENTRY_SCRIPT"),
    ("Model Directory", "AZUREML_MODEL_DIR"),
    ("Config File", "AZUREML_CONFIG_FILE"),
    ("Worker Count", "WORKER_COUNT"),
    ("Worker Timeout (seconds)", "WORKER_TIMEOUT"),
    ("Server Port", "SERVER_PORT"),
    ("Health Port", "HEALTH_PORT"),
    ("Application Insights Enabled", "AML_APP_INSIGHTS_ENABLED"),
    ("Application Insights Key", "AML_APP_INSIGHTS_KEY"),
    ("Inferencing HTTP server version", "HTTP_X_MS_SERVER_VERSION"),
    ("CORS for the specified origins", "AML_CORS_ORIGINS"),
    ("Create dedicated endpoint for health", "SEPERATE_HEALTH_ENDPOINT"),
)


def banner(settings: Settings, environ: Mapping[str, str], remarks: Sequence[str] = ()) -> str:
    """The text, given the environment that the workers will see; `remarks` stand above it."""
    return "\n".join(_lines(settings, environ, remarks))


def _lines(settings: Settings, environ: Mapping[str, str], remarks: Sequence[str]) -> Iterator[str]:
    if "AZUREML_MODEL_DIR" not in environ:
        yield "The environment variable 'AZUREML_MODEL_DIR' has not been set."
        yield "Use the --model_dir command line argument to set it."
    yield from remarks
    yield from ("", f"scoreserve v{__version__}", "")
    yield from ("", "Server Settings", "---------------")
    for label, variable in _LINES:
        yield f"{label}: {_shown(variable, environ.get(variable))}"
    yield ""
    yield from ("", "Server Routes", "---------------")
    yield f"Liveness Probe: GET   127.0.0.1:{settings.listen_health_port}/"
    yield f"Score:          POST  127.0.0.1:{settings.port}/score"
    yield ""


def _shown(variable: str, value: str | None) -> str:
    if value is not None and variable == "AML_APP_INSIGHTS_KEY":
        return "AppInsights key provided"
    if value is not None and variable == "AML_CORS_ORIGINS":
        return f"Enabling CORS for {value}"
    return str(value)
