"""From paths to mini-batches, one after the other: nothing is held but the names of the files.

    files      as many files as mini_batch_size says
    csv        byte ranges that end with a record; a quoted field may hold line ends
    parquet    rows of one row group, by the footer
    jsonl      byte ranges of as many lines; empty ones count for nothing

A mini-batch of rows or lines never crosses files (Azure's contract for tables).
"""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, NoReturn

from scoreserve.batch.csv_records import header_of, records
from scoreserve.batch.sizes import Size
from scoreserve.batch.work import Form, Kind, MiniBatch, Slice, UnusableInput

_FORMS = {
    ".jsonl": Form.JSONL,
    ".ndjson": Form.JSONL,
    ".csv": Form.CSV,
    ".parquet": Form.PARQUET,
    ".pqt": Form.PARQUET,
    ".txt": Form.LINES,
}
_FEWEST_ROWS = 1
_HIDDEN = (".", "_")  # what names begin with that tools have for themselves, such as _SUCCESS


class _Part(NamedTuple):
    where: Slice
    items: int
    weight: float  # bytes of the file


class InputFile(NamedTuple):
    """A file of the input. `changed` is its time of change, in ns."""

    path: str
    size_bytes: int
    changed: int


def find(written: Sequence[str], output: str | None = None) -> list[InputFile]:
    """All files below the paths, by name, each once; hidden ones are left out, and so is the folder
    of the results. Raises UnusableInput.
    """
    results = None if output is None else os.path.realpath(output)
    found: dict[str, InputFile] = {}
    for name in written:
        path = os.path.abspath(name)
        if not name or not os.path.lexists(path):
            raise UnusableInput(f"--input {name}: there is no such file or folder")
        if os.path.realpath(path) == results:
            raise UnusableInput(
                f"--output {output}: it is an input too, and results would be among the inputs."
                " Name another folder."
            )
        paths = _below(path, results) if os.path.isdir(path) else [path]
        found.update((each, _input_file(each)) for each in paths if each not in found)
    if not found:
        raise UnusableInput(f"--input {' '.join(written)}: there are no files in it")
    return list(found.values())


def form_of(files: Sequence[InputFile], kind: Kind) -> Form:
    """What the files are, by their names: a batch script gets files, unless it is told otherwise,
    and so does an MLflow model. Raises UnusableInput for a mixture.
    """
    if kind is not Kind.ONLINE:
        return Form.FILES
    forms = forms_of(files)
    if len(forms) > 1:
        names = ", ".join(sorted(form.value for form in forms))
        raise UnusableInput(
            f"--input: there are files of several forms ({names}): name one of"
            " them with --input-format, and only its files with --input"
        )
    return forms.pop()


def forms_of(files: Sequence[InputFile]) -> set[Form]:
    """What the names of the files say that they are."""
    return {_FORMS.get(os.path.splitext(file.path)[1].lower(), Form.FILES) for file in files}


def fingerprint(files: Sequence[InputFile], *others: object) -> str:
    """Changes when the mini-batches could become others."""
    digest = hashlib.sha256(repr(others).encode())
    for file in files:
        digest.update(repr(tuple(file)).encode())
    return digest.hexdigest()


def mini_batches(files: Sequence[InputFile], form: Form, size: Size) -> Iterator[MiniBatch]:
    """Those of the whole input, always the same for the same files. Raises UnusableInput."""
    if form is Form.FILES:
        yield from _of_files(files, size.items)
        return
    first = 0
    slices = (each for file in files for each in _slices(file, form, size))
    for index, (part, items, weight) in enumerate(slices):
        yield MiniBatch(index, first, items, weight, part=part)
        first += items


def _slices(file: InputFile, form: Form, size: Size) -> Iterator[_Part]:
    if form is Form.PARQUET:
        from scoreserve.batch.tables import row_counts

        return _of_parquet(file, list(row_counts(file.path)), size)
    if form is Form.CSV:
        return _of_csv(file.path, size)
    return _of_lines(file.path, size.items)


def _of_files(files: Sequence[InputFile], count: int) -> Iterator[MiniBatch]:
    for index, first in enumerate(range(0, len(files), count)):
        paths = tuple(file.path for file in files[first : first + count])
        yield MiniBatch(index, first, len(paths), len(paths), paths)


def _of_parquet(file: InputFile, groups: Sequence[tuple[int, int]], size: Size) -> Iterator[_Part]:
    bytes_a_row = file.size_bytes / max(1, sum(rows for rows, _ in groups))
    before = 0
    for group, (rows, group_bytes) in enumerate(groups):
        if not rows:
            continue
        most = size.items or max(_FEWEST_ROWS, rows * size.size_bytes // max(1, group_bytes))
        for start in range(0, rows, most):
            count = min(most, rows - start)
            where = Slice(file.path, start, count, group, before + start)
            yield _Part(where, count, count * bytes_a_row)
        before += rows


def _of_csv(path: str, size: Size) -> Iterator[_Part]:
    with _opened(path) as file:
        header = header_of(file)
        if b"\r" in header.replace(b"\r\n", b""):
            raise UnusableInput(f"{path}: its lines end with CR alone, and must end with LF")
        yield from _cut(path, len(header), records(file), size)


def _of_lines(path: str, count: int) -> Iterator[_Part]:
    with _opened(path) as file:
        start = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        file.seek(start)
        yield from _cut(path, start, file, Size(items=count))


def _cut(path: str, start: int, records: Iterable[bytes], size: Size) -> Iterator[_Part]:
    """Records by number or bytes. Blank ones belong to a part, and are none of its items."""
    length = items = before = 0
    for record in records:
        is_blank = not record.strip()
        full = items >= size.items if size.items else length + len(record) > size.size_bytes
        if items and full and not is_blank:
            yield _Part(Slice(path, start, length, first_item=before), items, length)
            start, length, before, items = start + length, 0, before + items, 0
        length += len(record)
        items += not is_blank
    if items:
        yield _Part(Slice(path, start, length, first_item=before), items, length)


def _below(folder: str, without: str | None) -> Iterator[str]:
    """Links to folders are followed, and each folder is gone through once."""
    met = {os.path.realpath(folder), without}
    for parent, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        inner = {name: os.path.realpath(os.path.join(parent, name)) for name in sorted(folders)}
        folders.clear()
        for name, path in inner.items():
            if not name.startswith(_HIDDEN) and path not in met:
                met.add(path)
                folders.append(name)
        yield from (
            os.path.join(parent, name) for name in sorted(names) if not name.startswith(_HIDDEN)
        )


def _input_file(path: str) -> InputFile:
    try:
        found = os.stat(path)
    except OSError as error:
        _refuse(error)
    if not stat.S_ISREG(found.st_mode):
        raise UnusableInput(
            f"{path}: it is no file on a disk, which could be read again in a later try"
        )
    return InputFile(path, found.st_size, found.st_mtime_ns)


def _opened(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        _refuse(error)


def _refuse(error: OSError) -> NoReturn:
    raise UnusableInput(f"{error.filename}: it cannot be read: {error.strerror}") from None
