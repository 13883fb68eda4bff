"""A certificate for the hosts of the workspace, which nobody but the SDK under test trusts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.images.sdk.workspace import hosts


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: the certificate, which is its own authority, and its key."""

    chain: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Makes one with openssl's command."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    names = ",".join(f"DNS:{host}" for host in hosts.ALL)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=a workspace of a test", "-addext", f"subjectAltName={names}"),
            *("-keyout", made.key, "-out", made.chain),
        ],
        check=True,
        capture_output=True,
    )
    return made
