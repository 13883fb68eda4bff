"""`azureml_user.parallel_run`: what a batch script asks about the process that it runs in.

Names and meanings are ParallelRunStep's: EntryScript is one object a process.
"""

from __future__ import annotations

import logging
import os
import tempfile

__all__ = ["EntryScript"]


class EntryScript:
    """The process's own. Where `scoreserve batch` has not set it up, folders are temporary ones."""

    _instance: EntryScript | None = None

    logger: logging.Logger
    log_dir: str
    output_dir: str
    working_dir: str
    agent_name: str

    def __new__(cls) -> EntryScript:  # noqa: PYI034 - there is one, and no class of another kind
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            folder = tempfile.gettempdir()
            cls._instance.set_up("process000", log_dir=folder, output_dir=folder)
        return cls._instance

    def set_up(self, agent_name: str, *, log_dir: str, output_dir: str) -> None:
        """Gives it what it tells; the working directory is the process's."""
        self.logger = logging.getLogger("EntryScript")
        self.agent_name = agent_name
        self.log_dir = log_dir
        self.output_dir = output_dir
        self.working_dir = os.getcwd()
