"""The flags of `scoreserve batch`, beside those of the script."""

from __future__ import annotations

import sys

from scoreserve.cli.flags import Parser, checked
from scoreserve.setting_values import between

_MOST_WORKERS = 1024
_MOST_TRIES = 100
_LONGEST_SECONDS = 86_400


def add_to(command: Parser) -> None:
    """What is scored, how, and where the results go."""
    command.add_argument(
        "--input",
        metavar="PATH",
        action="append",
        default=[],
        help="A file or folder to score. May be given several times.",
    )
    command.add_argument(
        "--output",
        metavar="DIR",
        help="The folder for results, summary.json and logs. It is made.",
    )
    _add_form(command)
    _add_limits(command)


def _add_form(command: Parser) -> None:
    command.add_argument(
        "--deployment",
        metavar="FILE",
        help="Azure's YAML of a batch deployment, or of a parallel job. Flags go before it.",
    )
    command.add_argument(
        "--script",
        dest="kind",
        choices=("batch", "online"),
        help="What the script is for. Default: online where run() has @input_schema or its"
        " parameter is raw_data, else batch.",
    )
    command.add_argument(
        "--input-format",
        choices=("auto", "files", "csv", "parquet", "jsonl", "lines"),
        default="auto",
        help="What an input is. Default: auto, files for a batch script or an MLflow model, else by"
        " their names.",
    )
    command.add_argument(
        "--mini-batch-size",
        metavar="SIZE",
        type=checked(_size),
        help="How much run() gets at once: a number of files or lines; of tables, bytes, such as"
        " 10MB, or 4096rows. Default: 10 files, 500 lines, 1MB of a table.",
    )
    command.add_argument(
        "--output-action",
        choices=("append_row", "summary_only"),
        help="summary_only counts results and writes none. Default: append_row.",
    )
    command.add_argument(
        "--output-file",
        metavar="NAME",
        help="The file in DIR that has the results. Default: predictions.csv, or predictions.jsonl"
        " or predictions.parquet by the format.",
    )
    command.add_argument(
        "--output-format",
        choices=("text", "jsonl", "csv", "parquet"),
        help="How results are written. Default: text, as Azure does; jsonl for an online script.",
    )
    command.add_argument(
        "--ordered", action="store_true", help="Write results in the order of the input."
    )


def _add_limits(command: Parser) -> None:
    command.add_argument(
        "--workers",
        metavar="N",
        type=checked(between(1, _MOST_WORKERS)),
        help="Processes that score. Default: the number of CPUs, or one on a GPU.",
    )
    command.add_argument(
        "--error-threshold",
        metavar="N",
        type=checked(between(-1, sys.maxsize)),
        help="How many items may fail before the job does; -1: all. Default: -1.",
    )
    command.add_argument(
        "--max-tries",
        metavar="N",
        type=checked(between(1, _MOST_TRIES)),
        help="How often a mini-batch is tried. Default: 3.",
    )
    command.add_argument(
        "--run-timeout",
        metavar="SECONDS",
        type=checked(between(1, _LONGEST_SECONDS)),
        help="Longest time of a run(). Default: 60.",
    )
    command.add_argument(
        "--resume",
        action="store_true",
        help="Go on with a job that was interrupted: only what is left is scored.",
    )
    command.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="Score on a Ray cluster: auto for the one that this machine is a part of, HOST:PORT,"
        " or local to start one here. Needs the extra `ray`. Default: processes of this machine.",
    )
    command.after_dashes = "arguments"


def _size(text: str) -> tuple[int, str]:
    from scoreserve.batch.sizes import parse

    return parse(text)
