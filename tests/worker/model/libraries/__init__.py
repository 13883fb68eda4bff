"""Tests of `scoreserve.worker.model.libraries`, each with the library itself."""
