"""Every setting of the server, once: its name, environment variable, default, unit and help.

Command line, start-up printout, config.json and the documentation all come from the fields of
`Settings`; names and defaults are the reference's (azureml-inference-server-http 1.5.1) wherever it
has the setting. `settings_loader` finds their values.

What a row's `parse` cannot read is refused at start. A number past the end of its range is so too,
unless more makes no difference: 300 years are 285, to a server. Where the reference starts with any
word, the row has a `stand_in` for those that mean nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from scoreserve import __version__
from scoreserve import setting_values as read

MEBIBYTE = 1 << 20

_MOST_WORKERS = 1000  # the arbiter keeps the ids of 1,023
_LONGEST_BATCH_WAIT_MS = 60_000


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a setting comes from and how it is explained."""

    env: tuple[str, ...]  # the first is the canonical one, the rest are aliases
    parse: Callable[[Any], Any]
    help: str
    unit: str = ""
    flag: str | None = None  # on `scoreserve serve`; None: only in the environment or the file
    read_env: bool = True  # False: given on the command line only, as the reference does
    export: bool = False  # scripts read it from os.environ, so a flag's value goes there too
    secret: bool = False  # never shown, nor handed to a worker
    # Taken, with a warning, for what means nothing in the environment or the file: the reference
    # starts with any such value. None: it is refused.
    stand_in: Any = None
    metavar: str = ""  # what help shows for its value, where the unit does not say it
    heading: str = ""  # of the group of settings that this one is the first of

    @property
    def switch(self) -> bool:
        """Whether it is on or off, so that its flag says enough without a value."""
        return self.parse is read.boolean

    @property
    def unset_if_empty(self) -> bool:
        """Whether an empty variable means nothing: charts and compose files have such, and here
        the reference does not say otherwise. An empty list of keys must not let everybody in.
        """
        ours = self.env[0].startswith("SCORESERVE_")
        return ours and self.parse not in {read.keys, read.keys_file}


def _setting(
    default: Any, env: str, help: str, parse: Callable[[Any], Any] = read.text, **source: Any
) -> Any:
    row = Source(tuple(env.split()), parse, help, **source)
    return dataclasses.field(default=default, repr=not row.secret, metadata={"source": row})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one server, checked. `settings_loader.load` builds it; in a test, call it."""

    entry_script: str | None = _setting(
        None,
        "AZUREML_ENTRY_SCRIPT AML_ENTRY_SCRIPT",
        "Path of the entry script. From the environment or the config file it is relative to"
        " AML_APP_ROOT, as a flag to the current directory. Unset: the module `main`.",
        flag="--entry-script",
        export=True,
        metavar="FILE",
        heading="Script and model",
    )
    model_dir: str | None = _setting(
        None,
        "AZUREML_MODEL_DIR",
        "The model directory, handed to the script in AZUREML_MODEL_DIR as it is written here.",
        flag="--model-dir",
        export=True,
        metavar="DIR",
    )
    app_root: str = _setting(
        "",
        "AML_APP_ROOT AZUREML_APP_ROOT",
        "Root of the script's files. Unset: the current directory.",
        flag="--app-root",
        export=True,
        metavar="DIR",
    )
    source_dir: str | None = _setting(
        None,
        "AZUREML_SOURCE_DIRECTORY",
        "Sub-directory of AML_APP_ROOT added to sys.path.",
        metavar="DIR",
    )
    config_file: str | None = _setting(
        None,
        "AZUREML_CONFIG_FILE",
        "The config file. Unset: config.json in AML_APP_ROOT or beside the script.",
        flag="--config-file",
        export=True,
        metavar="FILE",
    )
    model: str | None = _setting(
        None,
        "SCORESERVE_MODEL",
        "A model to serve without an entry script: a file (ONNX, skops, XGBoost, LightGBM), an"
        " MLflow directory, or a directory with one of them. Unset, and where there is no script:"
        " AZUREML_MODEL_DIR.",
        flag="--model",
        metavar="PATH",
        heading="Models without a script",
    )
    model_file: str | None = _setting(
        None,
        "SCORESERVE_MODEL_FILE",
        "Path, in the model directory, of the model to serve, where there are several.",
        metavar="PATH",
    )
    mlflow_model_folder: str | None = _setting(
        None,
        "MLFLOW_MODEL_FOLDER",
        "Path, in the model directory, of the MLflow model. Azure ML sets it.",
        metavar="PATH",
    )
    allow_pickle: bool = _setting(
        False,
        "SCORESERVE_ALLOW_PICKLE",
        "Load models that are pickles. Whoever can write such a file can run any code in the"
        " server.",
        read.boolean,
        flag="--allow-pickle",
    )
    trusted_types: str = _setting(
        "",
        "SCORESERVE_TRUSTED_TYPES",
        "Types beside scikit-learn's own that a skops file may hold, separated by commas.",
        metavar="NAMES",
    )
    method: str | None = _setting(
        None,
        "SCORESERVE_METHOD",
        "The method of a scikit-learn model that is called where the request names none. Unset:"
        " `predict`; `predict_proba`, where there is one, for requests in Azure ML's form"
        ' `{"data": ...}`.',
        read.one_of("predict", "predict_proba", "decision_function", "transform"),
        metavar="METHOD",
    )
    onnx_providers: str = _setting(
        "",
        "SCORESERVE_ONNX_PROVIDERS",
        "Execution providers of onnxruntime, separated by commas, the preferred first. Unset: CUDA"
        " where it is available, then the CPU.",
        metavar="NAMES",
    )
    port: int = _setting(
        5001,
        "SERVER_PORT",
        "The port to serve on.",
        read.port,
        flag="--port",
        read_env=False,
        export=True,
        metavar="PORT",
        heading="Address",
    )
    host: str = _setting(
        read.ALL_ADDRESSES,
        "SCORESERVE_HOST",
        "The address to listen on; `::` for IPv6 too.",
        read.host,
        flag="--host",
        metavar="HOST",
    )
    separate_health: bool = _setting(
        False,
        "SEPERATE_HEALTH_ENDPOINT",  # spelt as in the reference
        "Exactly `true`: listen on HEALTH_PORT too.",
        read.exactly_true,
        stand_in=False,
    )
    health_port: int = _setting(
        5000,
        "HEALTH_PORT",
        "The second port, when SEPERATE_HEALTH_ENDPOINT is `true`.",
        read.port,
        flag="--health-port",
        read_env=False,
        metavar="PORT",
    )
    workers: int = _setting(
        1,
        "WORKER_COUNT",
        "How many scoring workers run the script, each in a process of its own.",
        read.between(1, _MOST_WORKERS),
        flag="--workers",
        export=True,
        metavar="N",
        heading="Workers and time",
    )
    scoring_timeout_ms: int = _setting(
        3_600_000,
        "SCORING_TIMEOUT_MS",
        "Longest time one run() may take. 0: no limit, and more than 285 years count as 285.",
        read.milliseconds(0),
        unit="ms",
        flag="--scoring-timeout-ms",
    )
    worker_timeout_s: int = _setting(
        300,
        "WORKER_TIMEOUT",
        "Longest time init() or run() may take before its worker is replaced. 0: no limit.",
        read.seconds(0),
        unit="s",
    )
    share_cpus: bool = _setting(
        True,
        "SCORESERVE_SHARE_CPUS",
        "Share the container's CPUs between the workers: tell numeric libraries how many threads to"
        " start, by OMP_NUM_THREADS and its like, where these are not set.",
        read.boolean,
        flag="--share-cpus",
    )
    worker_preload: str = _setting(
        "off",
        "WORKER_PRELOAD SCORESERVE_PRELOAD",
        "`true`: init() runs once, and the workers are forked from that process, so that they share"
        " the model's memory. One is tried first, with sample_request.json or the sample of"
        " @input_schema: if it does not answer as it should, each worker runs init() itself."
        " `force`: without the trial.",
        read.preload,
        flag="--preload",
        stand_in="off",
        metavar="true|force|off",
    )
    max_batch_size: int = _setting(
        1,
        "SCORESERVE_MAX_BATCH_SIZE",
        "Most rows of requests that may share one call of run(). 1: no batching.",
        read.between(1, 65536),
        unit="rows",
        flag="--max-batch-size",
        heading="Batching",
    )
    batching: str = _setting(
        "model",
        "SCORESERVE_BATCHING",
        "How requests share work, with a batch size above 1. `model`: calls of run() meet in the"
        " model's predict. `rows`: bodies are merged, since the author of the script says that it"
        " goes by rows. `off`: not at all.",
        read.one_of("model", "rows", "off"),
        flag="--batching",
        metavar="model|rows|off",
    )
    batch_wait_ms: int = _setting(
        0,
        "SCORESERVE_BATCH_WAIT_MS",
        "How long the oldest request may wait for company. 0: what is queued goes at once.",
        read.between(0, _LONGEST_BATCH_WAIT_MS),
        unit="ms",
        flag="--batch-wait-ms",
    )
    stateless: bool = _setting(
        False,
        "SCORESERVE_STATELESS",
        "The author's word that calls of run() do not see each other's state, so that they may meet"
        " in the model though the script does not look like it.",
        read.boolean,
        flag="--stateless",
    )
    batch_exact: bool = _setting(
        False,
        "SCORESERVE_BATCH_EXACT",
        "Calls meet only in models whose results are then equal to the bit; else the last digits of"
        " a float may differ.",
        read.boolean,
        flag="--batch-exact",
    )
    protocols: str = _setting(
        "",
        "SCORESERVE_PROTOCOLS",
        "Wire protocols beside that of /score, separated by commas: `v2` (Open Inference Protocol),"
        " `v1` (`:predict`), `mlflow` (`/invocations`), `formats` (npy, Arrow, CSV and msgpack on"
        " /score).",
        read.some_of("v2", "v1", "mlflow", "formats"),
        flag="--protocols",
        metavar="NAMES",
        heading="Wire protocols",
    )
    model_name: str = _setting(
        "",
        "SCORESERVE_MODEL_NAME",
        "What the model is called in the paths and answers of V1 and V2. Unset: SERVICE_NAME, else"
        " the name of the model directory.",
        read.path_segment,
        flag="--model-name",
        metavar="NAME",
    )
    v2_key: str = _setting(
        "data",
        "SCORESERVE_V2_KEY",
        "The member of the JSON object in which a plain run(raw_data) gets the only input of a V1,"
        " V2 or MLflow request.",
    )
    gzip_bodies: bool = _setting(
        False,
        "SCORESERVE_GZIP_BODIES",
        "Accept request bodies that are compressed with gzip or deflate. SCORESERVE_MAX_BODY_BYTES"
        " then holds for what they become, too.",
        read.boolean,
        flag="--gzip-bodies",
    )
    max_body_bytes: int = _setting(
        100 * MEBIBYTE,
        "SCORESERVE_MAX_BODY_BYTES",
        "Longest request body; a longer one is answered 413.",
        read.at_least(1),
        unit="bytes",
        flag="--max-body-bytes",
        heading="Limits",
    )
    max_queue: int = _setting(
        0,
        "SCORESERVE_MAX_QUEUE",
        "How many requests may wait for a worker; one more is answered 503. 0: what the workers do"
        " in a second, at least 64 and at least four batches a worker.",
        read.at_least(0),
        unit="requests",
        flag="--max-queue",
    )
    max_queue_bytes: int = _setting(
        0,
        "SCORESERVE_MAX_QUEUE_BYTES",
        "How many bytes of request bodies may come and wait for a worker; a request whose body"
        " would be more is answered 503. 0: a quarter of the container's memory, 1 GiB where that"
        " has no limit. There is always room for one body of SCORESERVE_MAX_BODY_BYTES.",
        read.at_least(0),
        unit="bytes",
        flag="--max-queue-bytes",
    )
    queue_timeout_ms: int | None = _setting(
        None,
        "SCORESERVE_QUEUE_TIMEOUT_MS",
        "Longest time a request may wait for a worker; it is then answered 503 and never run."
        " Unset: SCORING_TIMEOUT_MS.",
        read.milliseconds(1),
        unit="ms",
        flag="--queue-timeout-ms",
    )
    max_connections: int = _setting(
        0,
        "SCORESERVE_MAX_CONNECTIONS",
        "How many clients may be connected. 0: 10,000, or as many as the limit of open files"
        " allows.",
        read.at_least(0),
        unit="connections",
        flag="--max-connections",
    )
    keep_alive_seconds: int = _setting(
        75,  # longer than the 60 s of common load balancers: who reuses a connection must not be
        # the one that finds it closed
        "SCORESERVE_KEEP_ALIVE_SECONDS",
        "How long a connection may be idle before it is closed.",
        read.seconds(1),
        unit="s",
        flag="--keep-alive-seconds",
    )
    client_timeout_seconds: int = _setting(
        30,
        "SCORESERVE_CLIENT_TIMEOUT_SECONDS",
        "Longest time a client may take to send a request's head, and may pause while it sends a"
        " body or takes a response.",
        read.seconds(1),
        unit="s",
        flag="--client-timeout-seconds",
    )
    api_keys: tuple[str, ...] | None = _setting(
        None,
        "SCORESERVE_API_KEYS",
        "API keys, separated by commas: scoring then needs one of them.",
        read.keys,
        secret=True,
        heading="Who may call",
    )
    api_keys_file: str | None = _setting(
        None,
        "SCORESERVE_API_KEYS_FILE",
        "A file with one API key a line, read again when it changes.",
        read.keys_file,
        flag="--api-keys-file",
        metavar="FILE",
    )
    cors_origins: str | None = _setting(
        None,
        "AML_CORS_ORIGINS",
        "Origins that browsers may call from, separated by commas; `*` for all.",
        flag="--cors-origins",
        export=True,
        metavar="ORIGINS",
    )
    drain_seconds: int = _setting(
        30,
        "SCORESERVE_DRAIN_SECONDS",
        "Longest time that requests in hand may take after SIGTERM.",
        read.seconds(0),
        unit="s",
        flag="--drain-seconds",
        heading="Stopping",
    )
    drain_delay_seconds: int = _setting(
        0,
        "SCORESERVE_DRAIN_DELAY_SECONDS",
        "How long to go on accepting connections after SIGTERM, not ready any more, for load"
        " balancers to notice.",
        read.seconds(0),
        unit="s",
        flag="--drain-delay-seconds",
    )
    log_level: str = _setting(
        "INFO",
        "AZUREML_LOG_LEVEL",
        "Least severe level that is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        read.level,
        flag="--log-level",
        stand_in="INFO",
        metavar="LEVEL",
        heading="Logs",
    )
    log_format: str = _setting(
        "text",
        "SCORESERVE_LOG_FORMAT",
        "`text`: log lines as the reference writes them. `json`: each line is one JSON object.",
        read.one_of("text", "json"),
        flag="--log-format",
        metavar="text|json",
    )
    log_color: str = _setting(
        "auto",
        "SCORESERVE_LOG_COLOR",
        "Colour of text log lines. `auto`: on a terminal, unless NO_COLOR is set.",
        read.one_of("auto", "always", "never"),
        flag="--log-color",
        metavar="auto|always|never",
    )
    access_log: str = _setting(
        "one",
        "SCORESERVE_ACCESS_LOG",
        "Text log lines of a request. `one`: method, path, status, time, bytes, client and request"
        " id. `two`: those of the reference, which is the default of azmlinfsrv. `off`: none.",
        read.one_of("one", "two", "off"),
        flag="--access-log",
        metavar="one|two|off",
    )
    app_insights_enabled: bool = _setting(
        False,
        "AML_APP_INSIGHTS_ENABLED",
        "Exactly `true`, with a valid key: Application Insights is on.",
        read.exactly_true,
        stand_in=False,
        export=True,
    )
    app_insights_key: str | None = _setting(
        None,
        "AML_APP_INSIGHTS_KEY",
        "Instrumentation key of Application Insights, a UUID.",
        export=True,
        metavar="KEY",
    )
    app_insights_log_response: bool = _setting(
        True,
        "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
        "Application Insights gets the answers too, as `Response Value`.",
        read.boolean,
    )
    app_insights_model_data: bool = _setting(
        False,
        "AML_MDC_STORAGE_ENABLED",
        "Application Insights gets what each call of run() got and returned, as lines"
        " `model_data_collection`.",
        read.boolean,
    )
    model_data_dir: str | None = _setting(
        None,
        "SCORESERVE_MODEL_DATA_DIR",
        "Directory for what a Collector of azureml-ai-monitoring collects in the script. Unset: the"
        " Collector talks to Azure's own sidecar, where there is one.",
        metavar="DIR",
    )
    strict_json: bool = _setting(
        False,
        "SCORESERVE_STRICT_JSON",
        "Answer NaN and Infinity as null, which every JSON parser accepts.",
        read.boolean,
        flag="--strict-json",
        heading="Answers",
    )
    server_version: str = _setting(
        "",
        "HTTP_X_MS_SERVER_VERSION",
        "What x-ms-server-version says when SERVER_VERSION_LOG_RESPONSE_ENABLED is not `true`.",
        read.header_value,
        stand_in="",
    )
    server_version_enabled: bool = _setting(
        True,
        "SERVER_VERSION_LOG_RESPONSE_ENABLED",
        "`true`: answer with our name and version in x-ms-server-version.",
        read.true,
        stand_in=False,
    )
    service_name: str = _setting("ML service", "SERVICE_NAME", "Title in the Swagger documents.")
    service_version: str = _setting("1.0", "SERVICE_VERSION", "Version in the Swagger documents.")
    service_path_prefix: str = _setting(
        "", "SERVICE_PATH_PREFIX", "What stands before the paths in the Swagger documents."
    )
    reload: bool = _setting(
        False,
        "SCORESERVE_RELOAD",
        "For development: load the script anew when a Python file beside it or in AML_APP_ROOT"
        " changes, and wait for a change when it cannot start.",
        read.boolean,
        flag="--reload",
        heading="Development",
    )
    show_tracebacks: bool = _setting(
        False,
        "SCORESERVE_SHOW_TRACEBACKS",
        "For development: a 500 that run() causes has the traceback in its body. Any client can"
        " then read it, and the paths and values that it shows.",
        read.boolean,
        flag="--show-tracebacks",
    )
    debug_port: int | None = _setting(
        None,
        "AZUREML_DEBUG_PORT",
        "The worker waits for the debugpy adapter that listens on this port. 0: it does not.",
        read.port_or_none,
        metavar="PORT",
    )
    pages: bool = _setting(
        True,
        "SCORESERVE_PAGES",
        "Answer /docs and /status, the pages for people. Off, both are 404.",
        read.boolean,
        flag="--pages",
    )
    fast_path: bool = _setting(
        True,
        "SCORESERVE_FAST_PATH SCORESERVE_SHORT_ROAD",
        "Answer /score past the ASGI application, which is faster. Off, to rule it out as a cause.",
        read.boolean,
        heading="To rule out a cause",
    )
    fast_json: bool = _setting(
        True,
        "SCORESERVE_FAST_JSON",
        "Let orjson do json.loads for the script, where the value is the same. Off, to rule it out"
        " as a cause.",
        read.boolean,
    )

    @property
    def script_path(self) -> str | None:
        """Path of the entry script, or None for the module `main`."""
        if not self.entry_script:
            return None
        return os.path.join(self.app_root, self.entry_script)

    @property
    def listen_health_port(self) -> int:
        """The port that answers health probes: `port`, unless a separate one is asked for."""
        return self.health_port if self.separate_health else self.port

    @property
    def queue_limit_ms(self) -> int:
        """Longest time a request may wait for a worker; 0: no limit."""
        return self.queue_timeout_ms or self.scoring_timeout_ms

    @property
    def scoring_limit_seconds(self) -> float:
        """Longest time one run() may take; LONGEST_SECONDS: no limit."""
        return (self.scoring_timeout_ms or read.LONGEST_MS) / 1000

    @property
    def version_header(self) -> str:
        """Value of the response header x-ms-server-version; empty: the header is left out."""
        return f"scoreserve/{__version__}" if self.server_version_enabled else self.server_version

    def to_json(self) -> bytes:
        """For the worker; `from_json` reads it back, without the secrets."""
        values = {name: getattr(self, name) for name, source in sources() if not source.secret}
        return json.dumps(values).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Settings:
        return cls(**json.loads(text))


def sources() -> Iterator[tuple[str, Source]]:
    """(name, Source) of every setting, in the order of the printout and the documentation."""
    for field in dataclasses.fields(Settings):
        yield field.name, field.metadata["source"]


def groups() -> Iterator[tuple[str, list[tuple[str, Source]]]]:
    """(heading, settings) of every group, for help and documentation."""
    found: dict[str, list[tuple[str, Source]]] = {}
    heading = ""
    for name, source in sources():
        heading = source.heading or heading
        found.setdefault(heading, []).append((name, source))
    yield from found.items()
