"""Azure's contract for batch scripts, rule by rule: what run() does, and what becomes of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from scoreserve.batch.batch_script import BatchScript
from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import Form, Kind, MiniBatch, Work
from scoreserve.errors import BootError
from scoreserve.settings import Settings
from tests.batch.conftest import FILES, RunJob

ITEMS = 3


class Returned(NamedTuple):
    """What `return VALUE` in run(mini_batch) comes to for ITEMS items."""

    value: str
    succeeded: int
    output: bytes


RETURNED = [
    Returned("['a', 'b', 'c']", 3, b"a\nb\nc\n"),
    Returned("('a', 'b', 'c')", 3, b"a\nb\nc\n"),
    Returned("['a']", 1, b"a\n"),
    Returned("[]", 0, b""),
    Returned("list('abcd')", 3, b"a\nb\nc\nd\n"),  # more than items: capped, with a warning
    Returned("[{'x': 1}, None, 2.5]", 3, b"{'x': 1}\nNone\n2.5\n"),  # as repr has it, no JSON
    Returned("pd.DataFrame({'x': [1, 2], 'y': ['a', 'b c']})", 2, b'1 a\n2 "b c"\n'),
    Returned("pd.DataFrame({'x': []})", 0, b""),
    # The name of a file that is no UTF-8, as Python reads it and the disk has it.
    Returned(r"['\udcff']", 1, b"\xff\n"),
    Returned(r"pd.DataFrame({'x': ['\udcff']}, dtype=object)", 1, b"\xff\n"),
]
REFUSED = ["None", "'abc'", "{'a': 1}", "7", "pd.Series([1, 2, 3])", "(x for x in 'abc')"]


def loaded(folder: Path, script: str, form: Form = Form.FILES) -> BatchScript:
    path = folder / "batch_script.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    settings = Settings(entry_script=str(path), app_root=str(folder))
    work = Work(settings.to_json().decode(), Kind.BATCH, form, str(folder), dataset="digits")
    return BatchScript(work, settings, Watchdog(0))


def mini_batch(items: int = ITEMS) -> MiniBatch:
    return MiniBatch(4, 0, items, items, tuple(f"/data/{number}" for number in range(items)))


@pytest.mark.parametrize("case", RETURNED, ids=lambda case: case.value)
def test_what_is_returned_is_counted_and_written(case: Returned, tmp_path: Path) -> None:
    script = loaded(tmp_path, f"import pandas as pd\ndef run(mini_batch): return {case.value}")
    assert script.score(mini_batch()) == (case.succeeded, case.output, "")


@pytest.mark.parametrize("value", REFUSED)
def test_other_values_fail_the_mini_batch(value: str, tmp_path: Path) -> None:
    script = loaded(tmp_path, f"import pandas as pd\ndef run(mini_batch): return {value}")
    with pytest.raises(TypeError, match="should return a list or a DataFrame"):
        script.score(mini_batch())


def test_run_gets_a_list_of_paths_by_position(tmp_path: Path) -> None:
    script = loaded(
        tmp_path, "def run(anything): return [type(anything), *map(type, anything)][:1] + anything"
    )
    assert script.score(mini_batch(2)) == (2, b"<class 'list'>\n/data/0\n/data/1\n", "")


def test_a_second_parameter_gets_the_context(tmp_path: Path) -> None:
    script = loaded(
        tmp_path,
        """
        def run(mini_batch, context):
            return [(context.minibatch_index, context.dataset, context.partition_key_value)]
        """,
    )
    assert script.score(mini_batch())[1] == b"(4, 'digits', None)\n"


def test_init_and_shutdown_are_optional(tmp_path: Path) -> None:
    script = loaded(tmp_path, "def run(mini_batch): return mini_batch")
    script.init()
    script.shutdown()


def test_a_script_without_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BootError, match=r"has no run\(\)"):
        loaded(tmp_path, "def score(mini_batch): return mini_batch")


def test_a_whole_job(run_job: RunJob) -> None:
    """init() before, shutdown() after, arguments, folders; each file once."""
    done = run_job(
        """
        import os, sys
        from azureml_user.parallel_run import EntryScript
        def init():
            global entry
            entry = EntryScript()
            assert entry is EntryScript()
            entry.logger.info("%s begins", entry.agent_name)
            assert sys.argv[1:] == ["--alpha", "2"]
            assert os.getcwd() == entry.working_dir
            assert os.environ["AZUREML_BI_OUTPUT_PATH"] == entry.output_dir
        def run(mini_batch):
            return [open(path).read() for path in mini_batch]
        def shutdown():
            entry.logger.info("%s ends", entry.agent_name)
        """,
        *("--mini-batch-size", "4", "--", "--alpha", "2"),
    )
    assert done.code == 0
    assert done.lines == [str(number) for number in range(FILES)]
    assert done.summary["mini_batches"] == 2
    log = (done.output / "logs/process000.txt").read_text(encoding="utf-8")
    assert log.index("process000 begins") < log.index("process000 ends")
    assert {path.name for path in done.output.iterdir()} == {
        *("predictions.csv", "summary.json", "logs"),
    }


FAILS = {
    "raises": "raise ValueError('no such digit')",
    "exits": "raise SystemExit('no such digit')",
    "ends its process": "os._exit(9)",
    "is killed": "os.kill(os.getpid(), 9) if not os.path.exists(path + '.hit') else 1 / 0",
    "hangs": "time.sleep(60)",
}


def test_imports_start_from_the_folder_of_the_script(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("NUMBER = 6", encoding="utf-8")
    done = run_job("from beside import NUMBER\ndef run(mini_batch): return [NUMBER]")
    assert done.lines == ["6"]


@pytest.mark.parametrize("does", FAILS)
def test_a_mini_batch_that_fails_fails_alone(does: str, run_job: RunJob) -> None:
    done = run_job(
        f"""
        import os, time
        def run(mini_batch):
            for path in mini_batch:
                if path.endswith("03.txt"):
                    {FAILS[does]}
            return mini_batch
        """,
        *("--mini-batch-size", "1", "--max-tries", "2", "--run-timeout", "1"),
    )
    assert done.code == 0, done.shown
    assert [Path(line).name for line in done.lines] == [
        f"{number:02}.txt" for number in range(FILES) if number != 3
    ]
    assert done.summary["failed_mini_batches"] == done.summary["failed_items"] == 1
    errors = (done.output / "logs/errors.txt").read_text(encoding="utf-8")
    assert "Mini batch 3, " in errors


@pytest.mark.parametrize("does", ["1 / 0", "os._exit(1)"])
def test_a_later_try_that_succeeds_has_not_failed(does: str, run_job: RunJob, inputs: Path) -> None:
    done = run_job(
        f"""
        import os
        def run(mini_batch):
            first = {str(inputs.parent / "tried")!r}
            if not os.path.exists(first):
                open(first, "w").close()
                {does}
            return mini_batch
        """,
        *("--error-threshold", "0"),
    )
    assert done.code == 0
    assert done.summary["succeeded_items"] == FILES
    assert done.summary["tries"] == 2


def test_a_process_in_which_much_fails_is_replaced(run_job: RunJob, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(14):
        (many / f"{number}.txt").touch()
    done = run_job(
        """
        def init(): print("begins")
        def run(mini_batch): 1 / 0
        """,
        *("--mini-batch-size", "1", "--max-tries", "1"),
        over=many,
    )
    assert done.code == 1
    assert "All 14 mini batches failed. There is no result returned." in done.shown
    log = (done.output / "logs/process000.txt").read_text(encoding="utf-8")
    assert log.count("begins") == 2


def test_a_child_that_returns_from_run_as_well_is_none_of_the_processes(run_job: RunJob) -> None:
    done = run_job(
        """
        import os
        def run(mini_batch):
            os.fork()
            return [os.path.basename(path) for path in mini_batch]
        """,
        *("--mini-batch-size", "2"),
    )
    assert done.code == 0, done.shown
    assert done.lines == [f"{number:02}.txt" for number in range(FILES)]


def test_a_thread_of_the_script_that_goes_on_holds_up_no_end() -> None:
    script = (
        "import threading\n"
        "from scoreserve.batch.process import end_within\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "end_within(0.1, 73)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 73
    assert "a thread of the script goes on" in done.stderr


def test_an_exceeded_threshold_ends_the_job(run_job: RunJob) -> None:
    done = run_job(
        "def run(mini_batch): return mini_batch[1:]",
        *("--mini-batch-size", "2", "--error-threshold", "1"),
    )
    assert done.code == 1
    assert "2 items failed, more than the error threshold of 1" in done.shown
    assert not (done.output / "predictions.csv").exists()


def test_summary_only_writes_no_results(run_job: RunJob) -> None:
    done = run_job("def run(mini_batch): return mini_batch", "--output-action", "summary_only")
    assert done.code == 0
    assert done.summary["succeeded_items"] == FILES
    assert not list(done.output.glob("predictions*"))


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def run(", "was never closed"),
        ("def init(): raise KeyError('weights')\ndef run(mini_batch): return []", "KeyError"),
        ("def init(): pass", "The script has no run()"),
    ],
)
def test_a_script_that_cannot_start_ends_the_job(script: str, told: str, run_job: RunJob) -> None:
    done = run_job(script)
    assert done.code == (2 if "(" in script[-1:] else 3)
    assert told in done.shown


def test_an_output_that_cannot_be_made_is_told(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    done = run_job("def run(mini_batch): return mini_batch")
    assert done.code == 2
    assert "it cannot be made" in done.shown


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../x.csv", "no path"),
        ("summary.json", "something else of this name"),
        ("logs", "something else of this name"),
        (".parts", "something else of this name"),
        ("x" * 250, "7 bytes less"),
    ],
)
def test_a_name_that_results_cannot_have_is_told_before_anything_is_scored(
    name: str, told: str, run_job: RunJob
) -> None:
    done = run_job("def run(mini_batch): return mini_batch", "--output-file", name)
    assert done.code == 2
    assert told in done.shown
    assert not done.output.exists()


def test_an_error_with_the_name_of_a_file_that_is_no_utf_8_is_kept(run_job: RunJob) -> None:
    done = run_job(r"def run(mini_batch): raise ValueError('cannot read \udcff.txt')")
    assert done.code == 1
    errors = (done.output / "logs/errors.txt").read_text(encoding="utf-8")
    assert r"cannot read \udcff.txt" in errors


def test_columns_that_differ_are_told(run_job: RunJob) -> None:
    done = run_job(
        """
        import os
        import pandas as pd
        def run(mini_batch): return pd.DataFrame({os.path.basename(mini_batch[0]): [1]})
        """,
        *("--mini-batch-size", "1", "--output-format", "csv"),
    )
    assert done.code == 2
    assert "mini-batches have different columns: 0" in done.shown


@pytest.mark.parametrize(("does", "starts"), [("os._exit(1)", 3), ("os.kill(os.getpid(), 9)", 10)])
def test_a_process_that_ends_while_it_starts_is_replaced(
    does: str, starts: int, run_job: RunJob
) -> None:
    """More often where it is killed, which may well not be the script's doing."""
    done = run_job(
        f"""
        import os
        def init():
            print("begins", flush=True)
            {does}
        def run(mini_batch): return mini_batch
        """
    )
    assert done.code == 3
    assert "before the script was ready" in done.shown
    log = (done.output / "logs/process000.txt").read_text(encoding="utf-8")
    assert log.count("begins") == starts
