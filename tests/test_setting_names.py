"""Names that are no setting's, though they seem to be meant for one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scoreserve.setting_names import is_service_link, key_warnings, variable_warnings
from scoreserve.settings import sources

# What Kubernetes puts into each pod for a service of the name: its documentation's example.
LINKS = {
    "{}_SERVICE_HOST": "10.0.0.11",
    "{}_SERVICE_PORT": "6379",
    "{}_SERVICE_PORT_HTTP": "6379",
    "{}_PORT": "tcp://10.0.0.11:6379",
    "{}_PORT_6379_TCP": "tcp://10.0.0.11:6379",
    "{}_PORT_6379_TCP_PROTO": "tcp",
    "{}_PORT_6379_TCP_PORT": "6379",
    "{}_PORT_6379_TCP_ADDR": "10.0.0.11",
}


def warnings(environ: Mapping[str, str], *given: str) -> list[str]:
    return list(variable_warnings(environ, given))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("SCORESERVE_MAX_BATCHSIZE", "SCORESERVE_MAX_BATCH_SIZE"),
        ("SCORESERVE_WORKERS", "WORKER_COUNT"),
        ("SCORESERVE_WORKER_COUNT", "WORKER_COUNT"),
        ("SCORESERVE_LOG_LEVEL", "AZUREML_LOG_LEVEL"),
        ("SCORESERVE_PORT", "the flag --port"),
    ],
)
def test_a_name_of_ours_that_no_setting_has_is_told_with_the_one_meant(
    written: str, meant: str
) -> None:
    (warning,) = warnings({written: "1"})
    assert warning == f"No setting is called {written}: it has no effect. Did you mean {meant}?"


def test_a_name_of_ours_that_is_like_none_is_told() -> None:
    assert warnings({"SCORESERVE_XYZZY": ""}) == [
        "No setting is called SCORESERVE_XYZZY: it has no effect."
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AZUREML_ENTRYSCRIPT", "AZUREML_ENTRY_SCRIPT"),
        ("AZUREML_MODEL_DRI", "AZUREML_MODEL_DIR"),
        ("AML_APP_ROOTS", "AML_APP_ROOT"),
        ("WORKER_COUNTS", "WORKER_COUNT"),
        ("worker_count", "WORKER_COUNT"),
        ("SCORING_TIMEOUT", "SCORING_TIMEOUT_MS"),
        ("SEPARATE_HEALTH_ENDPOINT", "SEPERATE_HEALTH_ENDPOINT"),
    ],
)
def test_a_name_that_is_nearly_a_settings_is_told(written: str, meant: str) -> None:
    assert warnings({written: "1"}) == [f"{written} has no effect: did you mean {meant}?"]
    assert warnings({written: "1", meant: "1"}) == []


@pytest.mark.parametrize(
    "variable",
    [
        *("AZUREML_RUN_ID", "AZUREML_ARM_SUBSCRIPTION", "AZUREML_CONDA_ENVIRONMENT_PATH"),
        *("AML_APP_INSIGHTS_ENDPOINT", "WORKER_ID", "WORKER_CLASS", "SERVICE_NAMESPACE"),
        *("SERVER_SOFTWARE", "MODEL_DIR", "PATH", "HOME", "A", "", "SCORESERVE_COMPILE"),
    ],
)
def test_others_are_none_of_our_business(variable: str) -> None:
    assert warnings({variable: "1"}) == []


def test_no_settings_own_variable_is_warned_of() -> None:
    environ = {name: "1" for _, row in sources() if row.read_env for name in row.env}
    assert warnings(environ) == []


@pytest.mark.parametrize("service", ["SCORESERVE", "WORKER", "SCORESERVE_HOST", "SERVER", "HEALTH"])
def test_what_kubernetes_says_of_a_service_is_not(service: str) -> None:
    assert warnings({name.format(service): value for name, value in LINKS.items()}) == []


@pytest.mark.parametrize(
    ("variable", "flag"), [("SERVER_PORT", "port"), ("HEALTH_PORT", "health_port")]
)
def test_a_variable_that_is_not_read_is_told_with_the_flag(variable: str, flag: str) -> None:
    (warning,) = warnings({variable: "8080"})
    assert f"use the flag --{flag.replace('_', '-')}," in warning
    assert warnings({variable: "8080"}, flag) == []


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("tcp://10.0.0.1:80", True),
        ("udp://10.0.0.1:53", True),
        ("tcp://[fd00::1]:80", True),
        ("80", False),
        ("tcp", False),
        ("https://example.com:443", False),
    ],
)
def test_service_links_are_known_by_their_form(value: str, is_one: bool) -> None:
    assert is_service_link(value) is is_one


def test_keys_of_the_file_are_told_with_the_one_meant() -> None:
    assert list(key_warnings(["WORKER_COUNTS", "workers", "port", "mine"])) == [
        "No setting is called WORKER_COUNTS in the config file. Did you mean WORKER_COUNT?",
        "No setting is called workers in the config file. Did you mean WORKER_COUNT?",
        "No setting is called port in the config file. Did you mean SERVER_PORT?",
    ]
