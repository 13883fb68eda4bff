"""Inputs joined, results cut: as pandas, numpy and scipy join them, and as each was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scoreserve.worker.model.join import NotByRows, cut, join, key_of, rows_of, same

COUNTS = st.lists(st.integers(1, 5), min_size=1, max_size=8)
COLUMNS: dict[str, Any] = {
    "float": lambda random, rows: random.normal(size=rows),
    "missing": lambda random, rows: np.where(random.random(rows) < 0.5, np.nan, 1.5),
    "single": lambda random, rows: random.normal(size=rows).astype(np.float32),
    "int": lambda random, rows: random.integers(-9, 9, rows),
    "bool": lambda random, rows: random.random(rows) < 0.5,
    "text": lambda random, rows: random.choice(["a", "bb", "ccc"], rows),
    "object": lambda random, rows: pd.Series([f"t{random.integers(9)}"] * rows, dtype=object),
    "category": lambda random, rows: pd.Categorical(
        random.choice(["a", "b"], rows), categories=["b", "a", "c"]
    ),
    "time": lambda random, rows: pd.to_datetime(random.integers(10**9, size=rows), unit="s"),
    "nullable": lambda random, rows: pd.array([1, None] * rows, dtype="Int64")[:rows],
}  # fmt: skip
LABELS: dict[str, Any] = {
    "numbered": pd.RangeIndex,
    "named": lambda rows: pd.RangeIndex(rows, name="row"),
    "int": lambda rows: pd.Index(np.arange(rows) * 7 % 5),
    "text": lambda rows: pd.Index([f"r{row}" for row in range(rows)], name="id"),
}


def frames(
    names: Sequence[str], counts: Sequence[int], labels: str = "numbered", seed: int = 0
) -> list[pd.DataFrame]:
    random = np.random.default_rng(seed)
    made = []
    for count in counts:
        columns = {
            f"{place}-{name}": COLUMNS[name](random, count) for place, name in enumerate(names)
        }
        frame = pd.DataFrame(columns)
        frame.index = LABELS[labels](count)
        made.append(frame)
    return made


def alike(values: Sequence[Any]) -> bool:
    keys = {key_of(value) for value in values}
    return len(keys) == 1 and None not in keys


@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6),
    COUNTS,
    st.sampled_from(sorted(LABELS)),
    st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_frames_are_joined_as_pandas_does(
    names: list[str], counts: list[int], labels: str, seed: int
) -> None:
    made = frames(names, counts, labels, seed)
    assert alike(made)
    joined = join(made)
    expected = pd.concat(made, ignore_index=labels in ("numbered", "named"))
    if labels == "named":
        expected.index.name = "row"
    pd.testing.assert_frame_equal(joined, expected, check_column_type="exact")
    assert [rows_of(frame) for frame in made] == counts
    for piece, frame in zip(cut(joined, counts), made, strict=True):
        assert same(piece, frame, exact=True)
        pd.testing.assert_frame_equal(piece, frame, check_index_type="exact")


@given(st.sampled_from(sorted(COLUMNS)), COUNTS, st.sampled_from(sorted(LABELS)))
@settings(max_examples=80, deadline=None)
def test_series_are_joined_as_pandas_does(name: str, counts: list[int], labels: str) -> None:
    made = [frame.iloc[:, 0] for frame in frames([name], counts, labels)]
    assert alike(made)
    joined = join(made)
    expected = pd.concat(made, ignore_index=labels in ("numbered", "named"))
    pd.testing.assert_series_equal(joined, expected, check_names=labels != "named")
    for piece, series in zip(cut(joined, counts), made, strict=True):
        assert same(piece, series, exact=True)


@given(COUNTS, st.sampled_from(["C", "F"]), st.integers(0, 2), st.sampled_from("fFiUO"))
@settings(deadline=None)
def test_arrays(counts: list[int], order: Any, inner: int, kind: str) -> None:
    dtype: Any = {"f": "f8", "F": "f4", "i": "i8", "U": "U3", "O": object}[kind]
    random = np.random.default_rng(0)
    made = []
    for count in counts:
        values = random.integers(9, size=(count, 3, 2)[: inner + 1])
        array = (values.astype("U3") if kind in "UO" else values).astype(dtype)
        made.append(np.asarray(array, order=order))
    if kind == "O":
        assert len({key_of(array) for array in made}) == 1
    joined = join(made)
    assert np.array_equal(joined, np.concatenate(made))
    pieces = cut(np.asarray(joined, order=order), counts)
    for piece, array in zip(pieces, made, strict=True):
        assert same(piece, array, exact=True)
        assert piece.base is None
        assert piece.flags[f"{order}_CONTIGUOUS"]
        assert piece.flags.writeable


@pytest.mark.parametrize(
    "cls", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
@given(counts=COUNTS, density=st.sampled_from([0.0, 0.1, 0.7]))
@settings(max_examples=30, deadline=None)
def test_sparse_rows(cls: Any, counts: list[int], density: float) -> None:
    made = [cls(sparse.random(count, 7, density, random_state=count)) for count in counts]
    assert alike(made)
    joined = join(made)
    assert type(joined) is cls
    assert np.array_equal(joined.toarray(), np.concatenate([one.toarray() for one in made]))
    for piece, matrix in zip(cut(joined, counts), made, strict=True):
        assert same(piece, matrix, exact=True)


def test_pieces_share_nothing_that_can_be_written_to() -> None:
    counts = [1, 2]
    for result in (
        np.arange(6.0).reshape(3, 2),
        sparse.csr_matrix(np.ones((3, 2))),
        pd.DataFrame({"a": [1.0, 2, 3]}),
        pd.DataFrame({"a": [1.0, 2, 3], "b": ["x", "y", "z"]}),
        pd.Series([1.0, 2, 3]),
    ):
        one, two = cut(result, counts)
        columns: Any = result
        buffers = [getattr(value, "data", value) if sparse.issparse(value) else np.asarray(value)
                   for value in (one, two, result)]  # fmt: skip
        assert not np.shares_memory(buffers[0], buffers[1])
        assert not np.shares_memory(buffers[0], buffers[2])
        if isinstance(one, pd.DataFrame):
            one.columns.name = "mine"
            assert two.columns.name is None
            assert columns.columns.name is None


def test_what_nobody_can_write_to_stays_so() -> None:
    result = np.arange(3)
    result.flags.writeable = False
    assert not any(piece.flags.writeable for piece in cut(result, [1, 2]))


# --- What meets, and what does not ---------------------------------------------------------


class OwnFrame(pd.DataFrame):  # type: ignore[misc]
    pass


class OwnArray(np.ndarray):
    pass


def test_inputs_that_are_joined_with_none() -> None:
    with_attributes = pd.DataFrame({"a": [1]})
    with_attributes.attrs["unit"] = "m"
    nothing: list[Any] = [
        *(None, 1, "text", object(), np.float64(1), {}, [], {"a": 1}),
        *(np.zeros((0, 3)), np.zeros(()), pd.DataFrame({"a": []}), pd.Series([], dtype=float)),
        *(OwnFrame({"a": [1]}), np.zeros(3).view(OwnArray), np.ma.array([1])),
        *([1, "a"], [[1], [1, 2]], [[]], [["a", 1]], [True], [None], [[2**60]], [np.zeros((2, 2))]),
        *([np.zeros(2), np.zeros(3)], [np.zeros(2), np.zeros(2, "f4")], [np.array(["a"])]),
        {"a": np.zeros(2), "b": np.zeros(3)},
        {"a": [1, 2]},
        pd.DataFrame({"a": [1, 2, 3]}).iloc[1:],
        pd.DataFrame({"a": [1]}, index=pd.date_range("2020", periods=1, freq="D")),
        pd.DataFrame({("a", "b"): [1]}),
        with_attributes,
        sparse.csr_matrix((0, 3)),
        sparse.lil_matrix(np.ones((1, 3))),
    ]
    assert [key_of(value) for value in nothing] == [None] * len(nothing)


def of_categories(*categories: str, ordered: bool = False) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Categorical(["x"], categories=categories, ordered=ordered)})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.zeros((1, 2)), np.zeros((1, 3))),
        (np.zeros((1, 2)), np.zeros((1, 2), dtype="f4")),
        (np.zeros((1, 2)), np.zeros((1, 2), dtype=int)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.array(["a"], dtype=object), np.array([None], dtype=object)),
        (np.array([["a"]]), np.array([["aa"]])),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]})),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (pd.DataFrame({"a": [1], "b": [1]}), pd.DataFrame({"b": [1], "a": [1]})),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": [None]})),
        (pd.DataFrame({1: [1]}), pd.DataFrame({True: [1]})),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=["x"])),
        (of_categories("x", "y"), of_categories("y", "x")),
        (of_categories("x", "y"), of_categories("x", "y", "z")),
        (of_categories("x"), of_categories("x", ordered=True)),
        (pd.Series([1.0], name="a"), pd.Series([1.0], name="b")),
        (["a"], [["a"]]),
        ([[1, 2]], [[1.0, 2]]),
        ([[1, 2]], [(1, 2)]),
        ({"a": np.zeros(1)}, {"b": np.zeros(1)}),
        (sparse.csr_matrix(np.ones((1, 2))), sparse.csr_array(np.ones((1, 2)))),
        (sparse.csr_matrix(np.ones((1, 2))), sparse.csr_matrix(np.ones((1, 3)))),
    ],
)
def test_inputs_of_different_kinds_do_not_meet(left: Any, right: Any) -> None:
    assert key_of(left) != key_of(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.array(["a"]), np.array(["longer"])),
        ([1.0, 2], [2.5]),
        ([[1.5, 2]], [[3, 4.5], [1, 2.0]]),
        ([np.zeros(2)], [np.ones(2), np.zeros(2)]),
        (np.asfortranarray(np.ones((3, 2))), np.ones((1, 2))),
        (pd.DataFrame({"a": [1.0]}).assign(b=1.0), pd.DataFrame({"a": [1.0], "b": [2.0]})),
    ],
)
def test_inputs_of_one_kind_meet(left: Any, right: Any) -> None:
    assert alike([left, right])
    joined = join([left, right])
    assert len(joined) == len(left) + len(right)
    # What it is made of is what each was made of.
    assert np.asarray(joined).dtype.kind == np.asarray(left).dtype.kind


def test_frames_of_other_blocks_are_joined_by_pandas() -> None:
    left = pd.DataFrame({"a": [1.0]})
    left["b"] = [2.0]
    right = pd.DataFrame({"a": [3.0], "b": [4.0]})
    pd.testing.assert_frame_equal(join([left, right]), pd.concat([left, right], ignore_index=True))


def test_a_frame_with_columns_of_one_name() -> None:
    made = [pd.DataFrame([[1.0, "x", 2.0]], columns=["a", "b", "a"])] * 3
    assert alike(made)
    joined = join(made)
    pd.testing.assert_frame_equal(joined, pd.concat(made, ignore_index=True))
    assert same(cut(joined, [1, 2])[0], made[0], exact=True)


# --- Results -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        *(None, 1.0, "abc", np.float64(1), np.zeros(4), np.zeros((2, 3)), [1, 2], ["a"] * 4),
        *([], {}, (), [np.zeros(3), np.zeros(2)], {"a": np.zeros(3), "b": 1.0}, object()),
        *(np.ma.zeros(3), pd.DataFrame({"a": [1]}), pd.Series([1]), sparse.csr_matrix((2, 3))),
        [{}] * 3,
    ],
)
def test_results_that_are_not_of_the_rows(result: Any) -> None:
    with pytest.raises(NotByRows):
        cut(result, [1, 2])


def test_results_of_several_outputs() -> None:
    labels, scores = np.arange(3), np.arange(6.0).reshape(3, 2)
    for made in ([labels, scores], (labels, scores), {"a": labels, "b": scores}):
        one, two = cut(made, [1, 2])
        expected = made.__class__
        assert type(one) is type(two) is expected
        values = list(two.values()) if isinstance(two, dict) else list(two)
        assert same(values, [labels[1:], scores[1:]], exact=True)
    maps = [[{"a": 1.0}, {"a": 2.0}]]
    assert cut(maps, [1, 1], several=True) == [[[{"a": 1.0}]], [[{"a": 2.0}]]]
    assert cut(["a", "b", "c"], [1, 2]) == [["a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("mine", "theirs", "close", "equal"),
    [
        (np.array([1.0]), np.array([1.0 + 1e-12]), True, False),
        (np.array([1.0]), np.array([1.0 + 1e-6]), False, False),
        (np.array([1.0], "f4"), np.array([1.00001], "f4"), True, False),
        (np.array([1.0], "f4"), np.array([1.01], "f4"), False, False),
        (np.array([1e9, 1e-9]), np.array([1e9, 3e-9]), True, False),
        (np.array([np.nan]), np.array([np.nan]), True, True),
        (np.array([np.nan]), np.array([1.0]), False, False),
        (np.array([0.0]), np.array([-0.0]), True, False),
        (np.array([1]), np.array([2]), False, False),
        (np.array([1]), np.array([1.0]), False, False),
        (np.array(["a"]), np.array(["a"]), True, True),
        (np.array([["a"]]), np.array(["a"]), False, False),
        ([1.0, "a"], [1.0 + 1e-12, "a"], True, False),
        ([1], [True], False, False),
        ({"a": 1.0}, {"a": 1.0}, True, True),
        ({"a": 1.0, "b": 1.0}, {"b": 1.0, "a": 1.0}, False, False),
        (pd.Series([1.0]), pd.Series([1.0], index=[1]), False, False),
        (pd.Series([1.0]), pd.Series([1.0], index=pd.Index([0])), False, False),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]}), False, False),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0 + 1e-12]}), True, False),
        (of_categories("x", "y"), of_categories("y", "x"), False, False),
    ],
)
def test_what_is_the_same(mine: Any, theirs: Any, close: bool, equal: bool) -> None:
    assert same(mine, theirs, exact=False) == close
    assert same(mine, theirs, exact=True) == equal
