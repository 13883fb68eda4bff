"""Whom an OTLP endpoint is trusted by: the certificates that OTEL_EXPORTER_OTLP_CERTIFICATE names.

`requests`, by which the exporters post, takes those of REQUESTS_CA_BUNDLE instead where a machine
has it set, as a company's often has: https://github.com/psf/requests/issues/3829.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

_VARIABLES = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_{}_CERTIFICATE")


class OwnCertificates(requests.Session):
    """A session whose `verify`, which the exporter sets, goes before the environment's."""

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)


def session_for(signal: str, environ: Mapping[str, str]) -> requests.Session | None:
    """What an exporter of this signal is to post by; None: what it takes itself."""
    named = any(environ.get(name.format(signal)) for name in _VARIABLES)
    return OwnCertificates() if named else None
