"""The variables by which a Collector finds the receiver."""

from __future__ import annotations

import socket

import pytest

from scoreserve.errors import ConfigurationError
from scoreserve.telemetry.model_data import collector


def settled(environ: dict[str, str], *taken: int) -> list[str]:
    return collector.settle(environ, lambda port: port not in taken)


def test_they_are_set_as_the_package_has_them_by_default() -> None:
    environ: dict[str, str] = {}
    assert settled(environ) == []
    assert environ == {
        "AZUREML_MDC_ENABLED": "true",
        "AZUREML_MDC_HOST": "127.0.0.1",
        "AZUREML_MDC_PORT": "50011",
    }
    assert collector.port_of(environ) == 50011


def test_another_server_on_this_machine_has_the_next_port() -> None:
    environ: dict[str, str] = {}
    settled(environ, 50011, 50012)
    assert collector.port_of(environ) == 50013


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert not collector._is_free(port)
    assert collector._is_free(port)


def test_a_port_of_the_users_own_is_taken_as_it_is() -> None:
    environ = {"AZUREML_MDC_PORT": "6000"}
    assert settled(environ, 6000) == []
    assert collector.port_of(environ) == 6000


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "http", "1.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(
        ConfigurationError, match="AZUREML_MDC_PORT: A port between 1 and 65535"
    ) as refused:
        settled({"AZUREML_MDC_PORT": port})
    assert refused.value.remedy.startswith("Unset it")  # no help of a command has it


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AZUREML_MDC_HOST", "mdc.example.com"), ("AZUREML_MDC_ENABLED", "false")],
)
def test_what_keeps_data_from_coming_is_left_and_warned_of(variable: str, value: str) -> None:
    environ = {variable: value}
    (warning,) = settled(environ)
    assert f"{variable}={value}" in warning
    assert environ[variable] == value


def test_without_a_receiver_it_logs_what_it_collects() -> None:
    environ: dict[str, str] = {}
    collector.keep_to_itself(environ)
    assert environ == {"AZUREML_MDC_ENABLED": "true", "AZUREML_MDC_LOCAL_CAPTURE": "true"}


def test_a_config_file_of_the_collector_says_itself_what_is_on() -> None:
    """The package does not look at AZUREML_MDC_ENABLED then."""
    environ = {"AZUREML_MDC_ENABLED": "false", "AZUREML_MDC_CONFIG_PATH": "mdc.json"}
    assert settled(environ) == []
