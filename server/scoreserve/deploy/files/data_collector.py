"""`data_collector` of a deployment.yml: the file that azureml-ai-monitoring's Collector reads."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scoreserve.deploy.files.documents import Fields

_BY_THE_PLATFORM = ("request", "response")  # what Azure's sidecar collects by itself


def config(fields: Fields | None, *, received: bool) -> str:
    """JSON of the Collector's configuration; empty where the script collects nothing. Unless what
    it collects is `received`, it logs it and sends nothing. Raises DeploymentError.
    """
    if fields is None:
        return ""
    rate = fields.number("sampling_rate", 0, 1)
    fields.ignore("rolling_rate")
    logging = fields.inner("request_logging")
    headers = [] if logging is None else logging.strings("capture_headers")
    collections = fields.inner("collections")
    found = {} if collections is None else _collections(collections)
    fields.close()
    by_the_script = {name: found[name] for name in found if name not in _BY_THE_PLATFORM}
    if len(by_the_script) < len(found):
        fields.note("collections", "request and response are collected by Azure alone")
    if not by_the_script:
        return ""
    percentage = 100 if rate is None else rate * 100
    document: dict[str, object] = {
        "collections": {
            name: {"enabled": enabled, "sampleRatePercentage": percentage}
            for name, enabled in by_the_script.items()
        },
        "runMode": "cloud" if received else "local",
    }
    if headers:
        document["captureHeaders"] = headers
    return json.dumps(document, indent=2) + "\n"


def _collections(fields: Fields) -> Mapping[str, bool]:
    """Which collections there are, and whether each is enabled."""
    found = {}
    for name in fields.names():
        inner = fields.inner(name)
        if inner is not None:
            found[name] = inner.flag("enabled", default=True)
            inner.ignore("data", "client_id", "sampling_rate")
            inner.close()
    return found
