"""From files to mini-batches: each item in one of them, once, and none across files."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.batch import inputs
from scoreserve.batch.lines import read_lines
from scoreserve.batch.sizes import Size, parse, size_for
from scoreserve.batch.tables import TableReader
from scoreserve.batch.work import Form, Kind, MiniBatch, UnusableInput


def cut(folder: Path, form: Form, size: Size) -> list[MiniBatch]:
    return list(inputs.mini_batches(inputs.find([str(folder)]), form, size))


def test_files_are_found_below_a_folder_by_name(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a.txt", "b/1.txt", ".hidden", "_SUCCESS", ".git/config"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [Path(file.path).relative_to(tmp_path) for file in inputs.find([str(tmp_path)])]
    assert list(map(str, found)) == ["a.txt", "b/1.txt", "b/2.txt"]


@pytest.mark.parametrize(("name", "told"), [("nothing", "no such file"), (".", "no files")])
def test_an_input_that_is_not_there_is_told(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=told):
        inputs.find([str(tmp_path / name)])


def test_a_file_that_is_named_twice_is_scored_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    written = [str(tmp_path / "b"), str(tmp_path), f"{tmp_path}/../{tmp_path.name}/a"]
    found = [Path(file.path).name for file in inputs.find(written)]
    assert found == ["b", "a"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/1").touch()
    (tmp_path / "data/b").mkdir(parents=True)
    (tmp_path / "data/b/2").touch()
    (tmp_path / "data/a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/b/up").symlink_to(tmp_path / "data")
    (tmp_path / "data/c").symlink_to(tmp_path / "data/b")
    found = [Path(file.path).relative_to(tmp_path) for file in inputs.find([f"{tmp_path}/data"])]
    assert list(map(str, found)) == ["data/a/1", "data/b/2"]


def test_results_of_the_job_are_no_inputs(tmp_path: Path) -> None:
    """Else a job whose results are below its inputs could not be resumed."""
    (tmp_path / "out/logs").mkdir(parents=True)
    for name in ("a", "out/summary.json", "out/logs/errors.txt"):
        (tmp_path / name).touch()
    found = inputs.find([str(tmp_path)], str(tmp_path / "out"))
    assert [Path(file.path).name for file in found] == ["a"]
    with pytest.raises(UnusableInput, match="results would be among the inputs"):
        inputs.find([str(tmp_path)], str(tmp_path))


def test_what_is_no_file_that_can_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(UnusableInput, match="a: it cannot be read: No such file"):
        inputs.find([str(tmp_path)])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnusableInput, match="a: it is no file on a disk"):
        inputs.find([str(tmp_path)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").mkdir(mode=0)
    try:
        with pytest.raises(UnusableInput, match="b: it cannot be read: Permission denied"):
            inputs.find([str(tmp_path)])
    finally:
        (tmp_path / "b").chmod(0o700)


@pytest.mark.parametrize("form", [Form.CSV, Form.LINES])
def test_a_file_that_is_gone_is_told(form: Form, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    files = inputs.find([str(tmp_path)])
    path.unlink()
    with pytest.raises(UnusableInput, match="a: it cannot be read: No such file"):
        list(inputs.mini_batches(files, form, Size(items=1)))


@pytest.mark.parametrize("text", ["\ufeff1\n2\n", "\ufeff\n1\n2\n"])
def test_the_mark_before_lines_from_windows_is_none_of_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    (batch,) = cut(tmp_path, Form.JSONL, Size(items=3))
    assert batch.part is not None
    assert read_lines(batch.part) == ["1", "2"]
    assert batch.items == 2


def test_a_name_that_is_empty_is_not_this_folder() -> None:
    """As of a variable of the shell that is not set."""
    with pytest.raises(UnusableInput, match="no such file"):
        inputs.find([""])


def test_the_form_follows_from_names_for_an_online_script(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    files = inputs.find([str(tmp_path)])
    assert inputs.form_of(files, Kind.ONLINE) is Form.JSONL
    assert inputs.form_of(files, Kind.BATCH) is Form.FILES
    (tmp_path / "b.csv").touch()
    with pytest.raises(UnusableInput, match="csv, jsonl"):
        inputs.form_of(inputs.find([str(tmp_path)]), Kind.ONLINE)


def test_files_go_by_number(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    batches = cut(tmp_path, Form.FILES, Size(items=2))
    assert [(batch.number, batch.first, batch.items) for batch in batches] == [
        *((0, 0, 2), (1, 2, 2), (2, 4, 1)),
    ]


@given(
    texts=st.lists(st.text("ab \r\n", max_size=30), min_size=1, max_size=4),
    count=st.integers(1, 4),
)
def test_lines_are_each_in_one_mini_batch(
    texts: list[str], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    for number, text in enumerate(texts):
        (folder / str(number)).write_bytes(text.encode())
    batches = cut(folder, Form.LINES, Size(items=count))
    found = [read_lines(batch.part) for batch in batches if batch.part is not None]
    wanted = [line.rstrip("\r") for text in texts for line in text.split("\n") if line.strip()]
    assert [line for lines in found for line in lines] == wanted
    assert [len(lines) for lines in found] == [batch.items for batch in batches]
    assert [batch.first for batch in batches] == [
        sum(map(len, found[:number])) for number in range(len(found))
    ]


@pytest.mark.parametrize("size", [Size(items=1), Size(items=2), Size(size_bytes=12)])
def test_csv_is_cut_between_records(size: Size, tmp_path: Path) -> None:
    """A quoted field may hold line ends and quotes; each part has the header."""
    text = '"na\nme",n\n"a\nb",1\nc,2\n\n"d ""\n""",3\ne,4'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (tmp_path / "b.csv").write_text("name,n\n", encoding="utf-8")
    batches = cut(tmp_path, Form.CSV, size)
    reader = TableReader(Form.CSV)
    frames = [reader.read(batch.part) for batch in batches if batch.part is not None]
    assert len(frames) > 1
    assert [name for frame in frames for name in frame["na\nme"]] == ["a\nb", "c", 'd "\n"', "e"]
    assert [len(frame) for frame in frames] == [batch.items for batch in batches]
    places = [batch.part.first_item for batch in batches if batch.part is not None]
    assert places == [batch.first for batch in batches]  # b.csv has no rows


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,5" disk\n2,6\n3,7\n',  # no quoted field: the quote is within
        'a,b\n"1",""\n"""2\n""","x"\n3,"5"" disk"\n',
        "\n\r\na,b\n1,2\n\n3,4\n",
        '\ufeff"a\n",b\n1,2\n3,4\n',
        "a,b\r\n1,2\r\n3,4\r\n",
        'a,b\n",",",\n"\n2,""3"\n',
    ],
)
def test_records_of_csv_are_those_of_pandas(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    batches = cut(tmp_path, Form.CSV, Size(items=1))
    reader = TableReader(Form.CSV)
    frames = [reader.read(batch.part) for batch in batches if batch.part is not None]
    assert [len(frame) for frame in frames] == [1] * len(batches)
    whole = pd.read_csv(path)
    found = pd.concat(frames, ignore_index=True)
    assert found.columns.tolist() == whole.columns.tolist()
    assert found.astype(str).equals(whole.astype(str))


def test_a_row_with_too_many_fields_shifts_no_columns(tmp_path: Path) -> None:
    """As it does in pandas, where it is the first of its slice."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4,5\n", encoding="utf-8")
    _, batch = cut(tmp_path, Form.CSV, Size(items=1))
    assert batch.part is not None
    with pytest.raises(ValueError, match="a row has more fields than the header"):
        TableReader(Form.CSV).read(batch.part)


def test_csv_without_line_feeds_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\r1,2\r3,4\r")
    with pytest.raises(UnusableInput, match="end with CR alone"):
        cut(tmp_path, Form.CSV, Size(items=1))


@pytest.mark.parametrize(
    ("written", "form", "size"),
    [
        (None, Form.FILES, Size(items=10)),
        (None, Form.CSV, Size(size_bytes=1 << 20)),
        ("1024", Form.CSV, Size(size_bytes=1024)),
        ("10KB", Form.PARQUET, Size(size_bytes=10240)),
        ("1GB", Form.PARQUET, Size(size_bytes=1 << 30)),
        ("4096rows", Form.PARQUET, Size(items=4096)),
        ("7", Form.FILES, Size(items=7)),
        ("7", Form.JSONL, Size(items=7)),
    ],
)
def test_mini_batch_size_is_as_azure_has_it(written: str | None, form: Form, size: Size) -> None:
    assert size_for(None if written is None else parse(written), form) == size


def test_mini_batch_size_of_files_has_no_unit() -> None:
    with pytest.raises(ValueError, match="number of files"):
        size_for(parse("10MB"), Form.FILES)
    with pytest.raises(ValueError, match="must be a number"):
        parse("ten")
