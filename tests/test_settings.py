"""Settings: where a value is looked for, which wins, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoreserve import __version__, settings_loader
from scoreserve.errors import ConfigurationError
from scoreserve.settings import Settings, sources
from scoreserve.settings_loader import ConfigFile
from tests.conftest import WriteFile

Load = Callable[..., Settings]
WriteConfig = Callable[[str, Mapping[str, Any]], Path]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """The settings from command-line values and environment variables, in this directory."""

    def load(cli: Mapping[str, Any] | None = None, /, **environ: str) -> Settings:
        return settings_loader.load(cli or {}, environ, str(tmp_path))[0]

    return load


@pytest.fixture
def find_config(tmp_path: Path) -> Callable[..., ConfigFile | None]:
    """The config file that these command-line values and environment variables lead to."""

    def find(cli: Mapping[str, Any] | None = None, /, **environ: str) -> ConfigFile | None:
        return settings_loader.load(cli or {}, environ, str(tmp_path))[1]

    return find


@pytest.fixture
def write_config(write_file: WriteFile) -> WriteConfig:
    def write(name: str, values: Mapping[str, Any]) -> Path:
        return write_file(name, json.dumps(values))

    return write


def refusal(load: Load, cli: Mapping[str, Any] | None = None, /, **environ: str) -> str:
    """The name of the setting that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        load(cli, **environ)
    return caught.value.setting


class TestTable:
    def test_every_setting_has_a_variable_and_a_help_text(self) -> None:
        for name, source in sources():
            assert source.env, name
            assert source.help.endswith("."), name

    def test_no_variable_and_no_flag_names_two_settings(self) -> None:
        rows = [source for _, source in sources()]
        variables = [variable for row in rows for variable in row.env]
        flags = [row.flag for row in rows if row.flag]
        assert len(set(variables)) == len(variables)
        assert len(set(flags)) == len(flags)

    def test_defaults_pass_their_own_checks(self) -> None:
        defaults = Settings()
        for name, source in sources():
            default = getattr(defaults, name)
            if default is not None:
                assert source.parse(default) == default, name

    def test_settings_reach_the_worker_unchanged(self, load: Load) -> None:
        chosen = load({"workers": 3, "strict_json": True}, AZUREML_ENTRY_SCRIPT="score.py")
        assert Settings.from_json(chosen.to_json()) == chosen

    def test_secrets_stay_where_they_are(self, load: Load) -> None:
        environ = {"SCORESERVE_API_KEYS": "k-4711", "WORKER_COUNT": "2"}
        chosen = load(**environ)
        assert chosen.api_keys == ("k-4711",)
        assert b"k-4711" not in chosen.to_json()
        assert "k-4711" not in repr(chosen)
        settings_loader.forget_secrets(environ)
        assert environ == {"WORKER_COUNT": "2"}


class TestPrecedence:
    def test_command_line_over_environment_over_file_over_default(
        self, load: Load, write_config: WriteConfig
    ) -> None:
        assert load().workers == 1
        write_config("config.json", {"WORKER_COUNT": 2})
        assert load().workers == 2
        assert load(WORKER_COUNT="3").workers == 3
        assert load({"workers": 4}, WORKER_COUNT="3").workers == 4

    def test_a_flag_that_was_not_given_decides_nothing(self, load: Load) -> None:
        assert load({"workers": None}, WORKER_COUNT="3").workers == 3

    def test_null_in_the_file_decides_nothing(self, load: Load, write_config: WriteConfig) -> None:
        write_config("config.json", {"WORKER_COUNT": None})
        assert load().workers == 1

    def test_the_canonical_variable_wins_over_its_alias(self, load: Load) -> None:
        assert load(AML_ENTRY_SCRIPT="alias.py").entry_script == "alias.py"
        both = load(AML_ENTRY_SCRIPT="alias.py", AZUREML_ENTRY_SCRIPT="score.py")
        assert both.entry_script == "score.py"

    @pytest.mark.parametrize(
        ("variable", "name", "default"),
        [("SERVER_PORT", "port", 5001), ("HEALTH_PORT", "health_port", 5000)],
    )
    def test_ports_are_not_read_from_the_environment(
        self, load: Load, write_config: WriteConfig, variable: str, name: str, default: int
    ) -> None:
        """As in the reference: images set them for other purposes."""
        assert getattr(load(**{variable: "6000"}), name) == default
        write_config("config.json", {variable: 6001})
        assert getattr(load(**{variable: "6000"}), name) == 6001
        assert getattr(load({name: 6002}), name) == 6002


class TestConfigFileDiscovery:
    def test_none_is_needed(self, find_config: Callable[..., ConfigFile | None]) -> None:
        assert find_config() is None

    def test_the_one_that_is_named_comes_first_then_the_app_root_then_the_scripts(
        self, load: Load, write_config: WriteConfig
    ) -> None:
        environ = {"AML_APP_ROOT": "app", "AZUREML_ENTRY_SCRIPT": "scripts/score.py"}
        write_config("scripts/config.json", {"WORKER_COUNT": 2})
        assert load(**environ).workers == 2
        write_config("app/config.json", {"WORKER_COUNT": 3})
        assert load(**environ).workers == 3
        write_config("mine.json", {"WORKER_COUNT": 4})
        assert load(AZUREML_CONFIG_FILE="mine.json", **environ).workers == 4
        write_config("flag.json", {"WORKER_COUNT": 5})
        cli = {"config_file": "flag.json"}
        assert load(cli, AZUREML_CONFIG_FILE="mine.json", **environ).workers == 5

    def test_without_an_app_root_the_current_directory_counts(
        self, find_config: Callable[..., ConfigFile | None], write_config: WriteConfig
    ) -> None:
        path = write_config("config.json", {"WORKER_COUNT": 2})
        found = find_config()
        assert found is not None
        assert found.path == str(path)
        assert found.values == {"WORKER_COUNT": 2}

    def test_flags_lead_to_it_before_variables(self, load: Load, write_config: WriteConfig) -> None:
        write_config("by_flag/config.json", {"WORKER_COUNT": 2})
        write_config("by_variable/config.json", {"WORKER_COUNT": 3})
        cli = {"entry_script": "by_flag/score.py"}
        assert load(cli, AZUREML_ENTRY_SCRIPT="by_variable/score.py").workers == 2
        cli = {"app_root": "by_flag"}
        assert load(cli, AML_APP_ROOT="by_variable").workers == 2

    def test_missing_and_empty_ones_are_passed_over(
        self, load: Load, write_config: WriteConfig, write_file: WriteFile
    ) -> None:
        write_file("config.json", "")
        write_config("app/config.json", {"WORKER_COUNT": 2})
        environ = {"AZUREML_CONFIG_FILE": "absent.json", "AZUREML_ENTRY_SCRIPT": "app/score.py"}
        assert load(**environ).workers == 2

    def test_a_directory_of_that_name_is_passed_over(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "config.json").mkdir()
        assert load().workers == 1


class TestConfigFileContents:
    def test_unknown_keys_are_reported_and_harmless(
        self, find_config: Callable[..., ConfigFile | None], write_config: WriteConfig
    ) -> None:
        write_config("config.json", {"WORKER_COUNT": 2, "WORKER_COUNTS": 3, "other": {}})
        found = find_config()
        assert found is not None
        assert found.unknown_keys == ("WORKER_COUNTS", "other")

    def test_aliases_are_known_keys(
        self, find_config: Callable[..., ConfigFile | None], write_config: WriteConfig
    ) -> None:
        write_config("config.json", {"AML_ENTRY_SCRIPT": "score.py"})
        found = find_config()
        assert found is not None
        assert found.unknown_keys == ()

    @pytest.mark.parametrize("text", ["{", "[]", '"text"', "null", "{'a': 1}"])
    def test_what_is_not_a_json_object_is_refused(
        self, load: Load, write_file: WriteFile, text: str
    ) -> None:
        path = write_file("config.json", text)
        assert refusal(load) == str(path)

    def test_what_is_not_text_is_refused(self, load: Load, tmp_path: Path) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(b"\xff{}")
        assert refusal(load) == str(path)

    def test_a_bad_value_is_refused_by_its_key(self, load: Load, write_config: WriteConfig) -> None:
        write_config("config.json", {"WORKER_COUNT": "many"})
        assert refusal(load) == "WORKER_COUNT"

    def test_a_text_setting_takes_no_object(self, load: Load, write_config: WriteConfig) -> None:
        write_config("config.json", {"AZUREML_ENTRY_SCRIPT": {"path": "score.py"}})
        assert refusal(load) == "AZUREML_ENTRY_SCRIPT"


class TestValues:
    @pytest.mark.parametrize(
        "environ",
        [
            {"WORKER_COUNT": "0"},
            {"WORKER_COUNT": "-1"},
            {"WORKER_COUNT": "two"},
            {"WORKER_COUNT": "1.5"},
            {"WORKER_COUNT": ""},
            {"WORKER_TIMEOUT": "-1"},
            {"SCORING_TIMEOUT_MS": "soon"},
            {"SCORESERVE_MAX_BODY_BYTES": "0"},
            {"SCORESERVE_DRAIN_SECONDS": "-1"},
            {"SCORESERVE_DRAIN_DELAY_SECONDS": "-1"},
            {"SCORESERVE_MAX_QUEUE": "-1"},
            {"SCORESERVE_MAX_CONNECTIONS": "-1"},
            {"SCORESERVE_QUEUE_TIMEOUT_MS": "0"},
            {"SCORESERVE_KEEP_ALIVE_SECONDS": "0"},
            {"SCORESERVE_CLIENT_TIMEOUT_SECONDS": "0"},
            {"SCORESERVE_STRICT_JSON": "maybe"},
        ],
        ids=lambda environ: "=".join(*environ.items()),
    )
    def test_a_bad_variable_is_refused_by_its_name(
        self, load: Load, environ: dict[str, str]
    ) -> None:
        assert [refusal(load, **environ)] == list(environ)

    @pytest.mark.parametrize("port", ["0", "65536", "-5001", "http", "50 01"])
    def test_a_bad_port_is_refused_by_its_flag(self, load: Load, port: str) -> None:
        assert refusal(load, {"port": port}) == "--port"

    @pytest.mark.parametrize(
        ("word", "meaning"),
        [("true", True), ("1", True), ("YES", True), ("on", True), ("0", False), ("Off", False)],
    )
    def test_a_switch_takes_many_words(self, load: Load, word: str, meaning: bool) -> None:
        assert load(SCORESERVE_STRICT_JSON=word).strict_json is meaning

    @pytest.mark.parametrize(
        ("word", "meaning"), [("true", True), ("True", False), ("1", False), ("false", False)]
    )
    def test_two_switches_take_true_and_nothing_else(
        self, load: Load, word: str, meaning: bool
    ) -> None:
        """As in the reference."""
        assert load(SEPERATE_HEALTH_ENDPOINT=word).separate_health is meaning
        assert load(AML_APP_INSIGHTS_ENABLED=word).app_insights_enabled is meaning

    def test_a_switch_may_be_a_json_boolean_in_the_file(
        self, load: Load, write_config: WriteConfig
    ) -> None:
        write_config("config.json", {"SEPERATE_HEALTH_ENDPOINT": True})
        assert load().separate_health is True

    def test_numbers_may_be_padded(self, load: Load) -> None:
        assert load(WORKER_COUNT=" 2 ").workers == 2


class TestPaths:
    def test_a_script_from_the_environment_is_under_the_app_root(self, load: Load) -> None:
        chosen = load(AML_APP_ROOT="/var/azureml-app", AZUREML_ENTRY_SCRIPT="code/score.py")
        assert chosen.script_path == "/var/azureml-app/code/score.py"

    def test_an_absolute_script_is_used_as_it_is(self, load: Load) -> None:
        chosen = load(AML_APP_ROOT="/var/azureml-app", AZUREML_ENTRY_SCRIPT="/code/score.py")
        assert chosen.script_path == "/code/score.py"

    def test_no_script_means_the_module_main(self, load: Load) -> None:
        assert load().script_path is None

    def test_the_app_root_is_the_current_directory_unless_given(
        self, load: Load, tmp_path: Path
    ) -> None:
        assert load().app_root == str(tmp_path)
        assert load(AML_APP_ROOT="").app_root == str(tmp_path)
        assert load(AZUREML_APP_ROOT="/alias").app_root == "/alias"


class TestExported:
    def test_scripts_read_what_the_flags_said(self, load: Load) -> None:
        cli = {"entry_script": "/code/score.py", "model_dir": "model", "workers": 2, "port": 6000}
        exported = settings_loader.exported(load(cli, AML_APP_ROOT="/code"))
        assert exported == {
            "AML_APP_ROOT": "/code",
            "AZUREML_ENTRY_SCRIPT": "/code/score.py",
            "AZUREML_MODEL_DIR": "model",
            "SERVER_PORT": "6000",
            "HEALTH_PORT": "6000",
            "TRANSPORT_PROTOCOL": "grpc",
            "WORKER_COUNT": "2",
            "AML_APP_INSIGHTS_ENABLED": "False",
            "HTTP_X_MS_SERVER_VERSION": f"scoreserve/{__version__}",
        }

    def test_what_is_not_set_is_not_there(self, load: Load) -> None:
        exported = settings_loader.exported(load())
        assert "AZUREML_MODEL_DIR" not in exported
        assert "AZUREML_ENTRY_SCRIPT" not in exported

    def test_a_separate_health_port_is_told(self, load: Load) -> None:
        chosen = load({"health_port": 6001}, SEPERATE_HEALTH_ENDPOINT="true")
        assert settings_loader.exported(chosen)["HEALTH_PORT"] == "6001"


class TestVersionHeader:
    @pytest.mark.parametrize("switch", [{}, {"SERVER_VERSION_LOG_RESPONSE_ENABLED": "true"}])
    def test_is_ours(self, load: Load, switch: dict[str, str]) -> None:
        chosen = load(HTTP_X_MS_SERVER_VERSION="theirs", **switch)
        assert chosen.version_header == f"scoreserve/{__version__}"

    def test_is_the_variables_when_ours_is_switched_off(self, load: Load) -> None:
        off = {"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"}
        assert load(HTTP_X_MS_SERVER_VERSION="theirs", **off).version_header == "theirs"
        assert load(**off).version_header == ""
