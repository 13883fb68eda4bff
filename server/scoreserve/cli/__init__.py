"""The commands: `scoreserve COMMAND`, one module each, and the reference's `azmlinfsrv`."""
