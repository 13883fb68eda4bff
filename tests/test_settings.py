"""Settings: where a value is looked for, which wins, and what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoreserve import __version__, setting_values, settings_loader
from scoreserve.errors import ConfigurationError
from scoreserve.setting_values import LONGEST_MS, LONGEST_SECONDS
from scoreserve.settings import Settings, Source, sources
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
    return refused(load, cli, **environ).setting


def refused(
    load: Load, cli: Mapping[str, Any] | None = None, /, **environ: str
) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(cli, **environ)
    return caught.value


def is_number(source: Source) -> bool:
    try:
        return bool(source.parse("7") == 7)
    except ValueError:
        return False


TABLE = [pytest.param(name, source, id=name) for name, source in sources()]
NUMBERS = [pytest.param(name, source, id=name) for name, source in sources() if is_number(source)]
# Neither a number nor a word that any setting has, nor the name of a host or of a file.
NONSENSE = "no such\nthing, ü"


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


class TestNonsense:
    """No setting takes what means nothing, but those that may be any text."""

    def test_only_text_may_be_anything(self) -> None:
        free = {name for name, source in sources() if source.parse is setting_values.text}
        assert free == {
            *("entry_script", "model_dir", "app_root", "source_dir", "config_file"),
            *("cors_origins", "service_name", "service_version", "service_path_prefix"),
            *("app_insights_key", "model_data_dir", "v2_key"),
            *("model", "model_file", "mlflow_model_folder", "trusted_types", "onnx_providers"),
        }

    @pytest.mark.parametrize(("name", "source"), TABLE)
    def test_in_the_environment_is_told_with_its_value(
        self, tmp_path: Path, name: str, source: Source
    ) -> None:
        if source.parse is setting_values.text or not source.read_env:
            return
        for variable in source.env:
            told = told_of(source, tmp_path, {}, {variable: NONSENSE})
            assert told.startswith(f"{variable}: ")
            assert f"(environment variable: {variable})" in told
            assert (repr(NONSENSE) in told) is not source.secret

    @pytest.mark.parametrize(("name", "source"), TABLE)
    def test_in_the_config_file_is_told_with_its_value(
        self, tmp_path: Path, write_config: WriteConfig, name: str, source: Source
    ) -> None:
        value: Any = [NONSENSE] if source.parse is setting_values.text else NONSENSE
        path = write_config("config.json", {source.env[0]: value})
        told = told_of(source, tmp_path, {}, {})
        assert told.startswith(f"{source.env[0]}: ")
        assert f"(config file: {path})" in told
        assert (repr(value) in told) is not source.secret

    @pytest.mark.parametrize(("name", "source"), TABLE)
    def test_on_the_command_line_is_refused(self, load: Load, name: str, source: Source) -> None:
        if source.parse is setting_values.text:
            return
        error = refused(load, {name: NONSENSE})
        assert error.setting == (source.flag or name)
        assert "(command line)" in error.problem

    @pytest.mark.parametrize(("name", "source"), NUMBERS)
    @pytest.mark.parametrize("text", ["", "-1", "1.5", "nan", "inf", "1e400", "0x10", "5 s"])
    def test_is_what_no_number_is(self, name: str, source: Source, text: str) -> None:
        with pytest.raises(ValueError, match="Input should be"):
            source.parse(text)

    @pytest.mark.parametrize(("name", "source"), NUMBERS)
    @pytest.mark.parametrize("number", [10**19, 10**30, 10**400])
    def test_is_never_a_number_that_something_cannot_count_with(
        self, name: str, source: Source, number: int
    ) -> None:
        """It is refused, or counts as the largest that makes a difference."""
        for written in (number, str(number)):
            try:
                taken = source.parse(written)
            except ValueError:
                continue
            assert 0 < taken <= sys.maxsize
            if source.unit in {"s", "ms"}:
                assert taken == (LONGEST_SECONDS if source.unit == "s" else LONGEST_MS)

    @pytest.mark.parametrize(
        ("variable", "written", "meant"),
        [
            ("SCORESERVE_BATCHING", "modle", "model"),
            ("SCORESERVE_BATCHING", "Rows", "rows"),
            ("SCORESERVE_METHOD", "predict_probe", "predict_proba"),
            ("SCORESERVE_PROTOCOLS", "v2,mlfow", "mlflow"),
            ("SCORESERVE_LOG_FORMAT", "jsn", "json"),
            ("SCORESERVE_LOG_COLOR", "alway", "always"),
            ("SCORESERVE_ACCESS_LOG", "tow", "two"),
            ("AZUREML_LOG_LEVEL", "warnig", "WARNING"),
            ("SCORESERVE_STATELESS", "ture", "true"),
            ("AML_APP_INSIGHTS_ENABLED", "ture", "true"),
        ],
    )
    def test_is_told_with_the_word_that_is_nearly_it(
        self, tmp_path: Path, variable: str, written: str, meant: str
    ) -> None:
        (source,) = (source for _, source in sources() if variable in source.env)
        told = told_of(source, tmp_path, {}, {variable: written})
        assert f"(did you mean {meant!r}?)" in told

    def test_is_shown_in_part_where_it_is_long(self, load: Load) -> None:
        assert len(str(refused(load, WORKER_COUNT="9x" * 10_000))) < 400

    def test_is_not_shown_where_it_is_secret(self, load: Load) -> None:
        assert "k-ü4711" not in str(refused(load, SCORESERVE_API_KEYS="k-ü4711"))

    @pytest.mark.parametrize("text", ["a\0b", "\ud800"])
    def test_is_text_that_no_environment_can_hold(
        self, load: Load, write_config: WriteConfig, text: str
    ) -> None:
        write_config("config.json", {"AZUREML_MODEL_DIR": text})
        assert refusal(load) == "AZUREML_MODEL_DIR"


def told_of(
    source: Source, directory: Path, cli: Mapping[str, Any], environ: Mapping[str, str]
) -> str:
    """What is said of the one value that cannot be used: as it is refused, or as a warning."""
    if source.stand_in is None:
        with pytest.raises(ConfigurationError) as caught:
            settings_loader.load(cli, environ, str(directory))
        return str(caught.value)
    (warning,) = settings_loader.load(cli, environ, str(directory)).warnings
    assert warning.endswith(f" {source.stand_in!r} is used instead.")
    return warning


class TestWhereTheReferenceStarts:
    """With whatever a value is: so do we, and say so."""

    @pytest.mark.parametrize("level", ["", " ", "verbose", "TRACE", "20", "NOTSET"])
    def test_an_unknown_log_level_is_info(self, load: Load, level: str) -> None:
        assert load(AZUREML_LOG_LEVEL=level).log_level == "INFO"

    @pytest.mark.parametrize(
        ("level", "taken"), [("debug", "DEBUG"), (" Error\r\n", "ERROR"), ("warn", "WARN")]
    )
    def test_a_known_one_may_be_written_in_any_case(
        self, load: Load, level: str, taken: str
    ) -> None:
        assert load(AZUREML_LOG_LEVEL=level).log_level == taken

    @pytest.mark.parametrize("word", ["", "false", "False", "0", "no"])
    @pytest.mark.parametrize(
        "variable",
        [
            *("SEPERATE_HEALTH_ENDPOINT", "AML_APP_INSIGHTS_ENABLED", "WORKER_PRELOAD"),
            "SERVER_VERSION_LOG_RESPONSE_ENABLED",
        ],
    )
    def test_words_for_off_need_no_warning(self, tmp_path: Path, variable: str, word: str) -> None:
        loaded = settings_loader.load({}, {variable: word}, str(tmp_path))
        (name,) = (name for name, source in sources() if variable in source.env)
        assert getattr(loaded.settings, name) in (False, "off")
        assert loaded.warnings == ()

    @pytest.mark.parametrize("version", ["a\nset-cookie: b", "日本", "a\x00"])
    def test_a_version_that_no_header_can_hold_is_left_out(self, load: Load, version: str) -> None:
        off = {"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"}
        assert load(HTTP_X_MS_SERVER_VERSION=version, **off).version_header == ""

    def test_the_debug_port_0_is_none(self, load: Load) -> None:
        assert load(AZUREML_DEBUG_PORT="0").debug_port is None

    @pytest.mark.parametrize("number", [2.0, "2.0", " 2", "+2", "02"])
    def test_whole_numbers_may_be_written_otherwise(
        self, load: Load, write_config: WriteConfig, number: Any
    ) -> None:
        write_config("config.json", {"SCORING_TIMEOUT_MS": number})
        assert load().scoring_timeout_ms == 2


class TestEmptyVariables:
    """As charts and compose files set what has no value."""

    @pytest.mark.parametrize(("name", "source"), TABLE)
    def test_of_ours_are_not_set(self, load: Load, name: str, source: Source) -> None:
        if source.env[0].startswith("SCORESERVE_") and not name.startswith("api_keys"):
            for variable in source.env:
                assert getattr(load(**{variable: ""}), name) == getattr(Settings(), name)

    @pytest.mark.parametrize("variable", ["SCORESERVE_API_KEYS", "SCORESERVE_API_KEYS_FILE"])
    def test_of_keys_are_refused(self, load: Load, variable: str) -> None:
        """Else everybody could score."""
        assert refusal(load, **{variable: ""}) == variable

    @pytest.mark.parametrize(
        "variable", ["WORKER_COUNT", "SCORING_TIMEOUT_MS", "WORKER_TIMEOUT", "AZUREML_DEBUG_PORT"]
    )
    def test_of_the_references_numbers_are_refused_as_there(
        self, load: Load, variable: str
    ) -> None:
        assert refusal(load, **{variable: ""}) == variable

    def test_of_the_references_words_mean_what_they_mean_there(self, load: Load) -> None:
        assert load(SERVER_VERSION_LOG_RESPONSE_ENABLED="").version_header == ""
        assert load(SERVICE_NAME="").service_name == ""
        assert load(AZUREML_LOG_LEVEL="").log_level == "INFO"
        assert load(AZUREML_ENTRY_SCRIPT="").script_path is None


class TestServiceLinks:
    """Of Kubernetes, for a service whose name makes one of our variables."""

    @pytest.mark.parametrize("variable", ["AZUREML_DEBUG_PORT", "WORKER_COUNT", "SCORESERVE_HOST"])
    def test_are_not_read(self, load: Load, variable: str) -> None:
        assert load(**{variable: "tcp://10.0.0.1:80"}) == load()


class TestTogether:
    def test_company_is_not_waited_for_beyond_the_end(self, load: Load) -> None:
        """Each request would be answered 503 that comes alone."""
        environ = {"SCORESERVE_BATCH_WAIT_MS": "500", "SCORESERVE_MAX_BATCH_SIZE": "8"}
        assert load(**environ).batch_wait_ms == 500
        assert load(SCORING_TIMEOUT_MS="0", **environ).batch_wait_ms == 500
        for limit in ("SCORESERVE_QUEUE_TIMEOUT_MS", "SCORING_TIMEOUT_MS"):
            assert refusal(load, **{limit: "500"}, **environ) == "SCORESERVE_BATCH_WAIT_MS"
            assert load(**{limit: "501"}, **environ).batch_wait_ms == 500
        environ["SCORESERVE_MAX_BATCH_SIZE"] = "1"  # nobody waits
        assert load(SCORING_TIMEOUT_MS="500", **environ).batch_wait_ms == 500

    def test_a_model_without_a_script_is_not_beside_one(self, load: Load) -> None:
        error = refused(load, {"model": "iris.onnx", "entry_script": "score.py"})
        assert "--model" in error.setting
        assert "score.py" in error.problem

    def test_two_ports_are_not_the_same(self, load: Load) -> None:
        both = {"port": 6000, "health_port": 6000}
        assert load(both).port == 6000
        assert refusal(load, both, SEPERATE_HEALTH_ENDPOINT="true") == "HEALTH_PORT"


class TestNoLimit:
    def test_of_the_scoring_time_is_none_of_the_queue(self, load: Load) -> None:
        chosen = load(SCORING_TIMEOUT_MS="0")
        assert chosen.scoring_timeout_ms == 0
        assert chosen.scoring_limit_seconds == LONGEST_SECONDS
        assert chosen.queue_limit_ms == 0
        assert load(SCORING_TIMEOUT_MS="0", SCORESERVE_QUEUE_TIMEOUT_MS="5").queue_limit_ms == 5

    def test_is_what_the_longest_time_comes_to(self, load: Load) -> None:
        chosen = load(SCORING_TIMEOUT_MS="99999999999999", WORKER_TIMEOUT="9" * 20)
        assert chosen.scoring_limit_seconds == chosen.worker_timeout_s == LONGEST_SECONDS


class TestHost:
    @pytest.mark.parametrize(
        ("written", "bound"),
        [
            *[("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("", "0.0.0.0")],
            *[("::", "[::]"), ("[::1]", "[::1]"), ("0:0::1", "[::1]"), ("[::]", "[::]")],
        ],
    )
    def test_can_be_followed_by_a_port(self, load: Load, written: str, bound: str) -> None:
        assert load(SCORESERVE_HOST=written).host == bound

    @pytest.mark.parametrize("host", ["0.0.0.0:5001", "http://localhost", "a b", "::x"])
    def test_that_is_none_is_refused(self, load: Load, host: str) -> None:
        assert refusal(load, SCORESERVE_HOST=host) == "SCORESERVE_HOST"


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

    def test_one_that_is_named_and_missing_is_warned_of(self, tmp_path: Path) -> None:
        loaded = settings_loader.load({"config_file": "mine.json"}, {}, str(tmp_path))
        assert loaded.warnings == (
            f"There is no config file at {tmp_path}/mine.json: it is not used.",
        )

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

    @pytest.mark.parametrize("nested", ["[" * 100_000, '{"a":' * 100_000])
    def test_what_is_nested_too_deeply_is_refused(
        self, load: Load, write_file: WriteFile, nested: str
    ) -> None:
        path = write_file("config.json", nested)
        assert refusal(load) == str(path)

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
    )
    def test_may_be_in_any_form_of_unicode(self, load: Load, tmp_path: Path, encoding: str) -> None:
        """Editors on Windows put a byte order mark before UTF-8; PowerShell writes UTF-16."""
        text = '{"WORKER_COUNT": 2, "SERVICE_NAME": "Dienst für 日本"}'
        (tmp_path / "config.json").write_bytes(text.encode(encoding))
        assert (load().workers, load().service_name) == (2, "Dienst für 日本")

    @pytest.mark.parametrize("content", [b"\xff{}", '{"SERVICE_NAME": "für"}'.encode("latin-1")])
    def test_in_another_encoding_is_refused_with_the_remedy(
        self, load: Load, tmp_path: Path, content: bytes
    ) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(content)
        error = refused(load)
        assert error.setting == str(path)
        assert "should be saved as UTF-8" in error.problem

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
            {"WORKER_COUNT": "1001"},
            {"SCORING_TIMEOUT_MS": "soon"},
            {"SCORING_TIMEOUT_MS": "-1"},
            {"SCORING_TIMEOUT_MS": ""},
            {"SCORESERVE_BATCH_WAIT_MS": "60001"},
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
