"""The output that receives a script's model data and keeps it in files."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote

from scoreserve.reports import Report
from scoreserve.settings import Settings
from scoreserve.telemetry.dropped import Dropped
from scoreserve.telemetry.export_queue import EXPORT_FAILED
from scoreserve.telemetry.model_data import collector
from scoreserve.telemetry.model_data.events import event_of
from scoreserve.telemetry.model_data.files import CollectedFiles
from scoreserve.telemetry.model_data.receiver import Receiver
from scoreserve.telemetry.records import RequestRecord

_BIND_AGAIN_SECONDS = 5.0  # where somebody else has the port
_LOOK_SECONDS = 0.5  # so long may pass until it is seen that the server stops

_log = logging.getLogger("azmlinfsrv.telemetry")


class ModelDataOutput:
    """Receives and keeps, in a thread of its own. What the front tells does not concern it."""

    def __init__(self, files: CollectedFiles, port: int, source: str) -> None:
        self._files = files
        self._port = port
        self._source = source
        self._dropped = Dropped()
        self._failing = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model data", daemon=True)
        self._thread.start()

    def has_room(self) -> bool:
        return False  # it wants no requests

    def request(self, record: RequestRecord) -> None:
        pass

    def report(self, report: Report) -> None:
        pass

    def metrics(self, since: float, page: bytes) -> None:
        pass

    def take_dropped(self) -> Counter[str]:
        return self._dropped.take()

    def close(self, deadline: float) -> None:
        """Keeps what has been posted until now."""
        self._closing.set()
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        receiver = self._listening()
        if receiver is None:
            return
        with receiver:
            _log.info("Model data is kept in %s (127.0.0.1:%d)", self._files.directory, self._port)
            ending = False
            while not (ending and receiver.idle):
                ending = self._closing.is_set()
                receiver.answer_one(0.0 if ending else _LOOK_SECONDS)

    def _listening(self) -> Receiver | None:
        """Waits for the port where somebody else has it. None: the server stops before."""
        told = False
        while not self._closing.is_set():
            try:
                return Receiver(self._port, self._keep)
            except OSError as error:
                if not told:
                    _log.warning(
                        "Model data cannot be received on 127.0.0.1:%d: %s. Until the port is free,"
                        " what the script collects goes to whoever has it. Another server? Set"
                        " AZUREML_MDC_PORT to a port of this one's own.",
                        self._port,
                        error.strerror,
                    )
                    told = True
            self._closing.wait(_BIND_AGAIN_SECONDS)
        return None

    def _keep(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises PostError. A disk that fails is no fault of the post, which is counted as dropped.
        It is said once when it begins and once when it is over.
        """
        now = time.time()
        event = event_of(headers, body, self._source, now)
        try:
            self._files.append(event.collection, event.line, now)
        except OSError as error:
            self._dropped.add(EXPORT_FAILED)
            if not self._failing:
                _log.warning("Model data cannot be written, and is dropped meanwhile: %s", error)
            self._failing = True
            return
        if self._failing:
            _log.info("Model data is written again")
        self._failing = False


def opened(settings: Settings, environ: Mapping[str, str]) -> ModelDataOutput:
    """The output for these settings and this environment, see `collector.settle`."""
    directory = os.path.abspath(settings.model_data_dir or "")
    port = collector.port_of(environ)
    instance = socket.gethostname()
    if port != collector.DEFAULT_PORT:  # another server on this machine may have the default
        instance += f"-{port}"
    source = f"/scoreserve/{quote(settings.service_name)}/{quote(instance)}"
    return ModelDataOutput(CollectedFiles(directory, instance), port, source)
