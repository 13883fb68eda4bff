"""The two keys of a service: either is valid, so that clients can change one after the other."""

from __future__ import annotations

import secrets

from scoreserve.deploy.deployment import Auth

_BYTES = 24  # of chance; 32 characters


def keys_for(auth: Auth, before: tuple[str, ...]) -> tuple[str, ...]:
    """Primary and secondary key: as the files have them, else those of `before`, else new ones.
    None where no key is needed.
    """
    if not auth.enabled:
        return ()
    given = (auth.primary_key, auth.secondary_key)
    kept = (*before, "", "")[:2]
    return tuple(
        key or old or secrets.token_urlsafe(_BYTES) for key, old in zip(given, kept, strict=True)
    )
