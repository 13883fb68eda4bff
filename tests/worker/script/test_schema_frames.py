"""Frames made of JSON directly, beside those that inference-schema makes: not one differs."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

from scoreserve.worker.script import schema_frames

ORIGINAL = PandasParameterType.deserialize_input

EXAMPLES = 100  # of each

DTYPES = [
    *("float64", "float32", "float16", "int64", "int32", "uint8", "bool", "object"),
    *("category", "string", "Int64", "boolean", "datetime64[ns]", "timedelta64[ns]"),
    "datetime64[ns, UTC]",
]
NAMES = st.sampled_from(
    [
        *("age", "sex", "f1", "naïve", "雪", "a b", "", "x" * 40, "None", "nan", "e5"),
        *("0", "1", "2", "10", "007", "1.5", "99999999", "1e3"),
        *("created_at", "time", "start_time", "timestamp", "timestamps2", "modified", "date"),
        *("datetime", "2020-01-01", "2021", "30th", "Jan", "may", "12:30", "T", "1d"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["2020-01-01", "2020-01-01T10:00:00Z", "1", "1.5", "nan", "", "a", "b", "1 day"]
    ),
)
INTEGERS = st.one_of(
    st.integers(-300, 300),
    st.integers(),
    st.sampled_from([2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 31536001]),
)
FLOATS = st.one_of(
    st.floats(),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 123456.789012345]),
)
NONE = st.none()
COLUMNS = [
    *(INTEGERS, FLOATS, st.booleans(), TEXTS, st.integers(-100, 100), st.integers(0, 3)),
    *(st.one_of(FLOATS, st.integers(-9, 9)), st.one_of(FLOATS, NONE), st.one_of(TEXTS, NONE)),
    *(st.one_of(st.integers(-9, 9), NONE), st.one_of(st.booleans(), NONE), NONE),
    *(st.one_of(INTEGERS, FLOATS, NONE), st.one_of(st.booleans(), FLOATS, st.integers(0, 2))),
    st.one_of(INTEGERS, FLOATS, st.booleans(), TEXTS, NONE, st.just([1]), st.just({"a": 1})),
]


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    schema_frames.install()
    assert PandasParameterType.deserialize_input is not ORIGINAL
    yield
    PandasParameterType.deserialize_input = ORIGINAL


def parameter_of(sample: pd.DataFrame, **options: Any) -> Any:
    return PandasParameterType(sample, **options)


def outcome(make: Any, parameter: Any, payload: Any) -> Any:
    try:
        return make(parameter, copy.deepcopy(payload))
    except Exception as error:  # noqa: BLE001 - whatever inference-schema raises
        return type(error), str(error), error.args


def assert_same(ours: Any, theirs: Any) -> None:
    if not isinstance(theirs, pd.DataFrame):
        assert ours == theirs
        return
    assert isinstance(ours, pd.DataFrame)
    pd.testing.assert_frame_equal(
        ours, theirs, check_exact=True, check_index_type="exact", check_column_type="exact"
    )
    assert schema_frames.same(ours, theirs)
    assert ours.attrs == theirs.attrs
    assert layout(ours) == layout(theirs)


def layout(frame: pd.DataFrame) -> Any:
    """How it lies in memory: sums over it depend on that, in their last digits.

    Not for objects: pandas 3 makes texts a view of all of them, which is seen by its strides only.
    """
    blocks = []
    for block in frame._mgr.blocks:
        flags, strides = getattr(block.values, "flags", None), getattr(block.values, "strides", ())
        writeable = getattr(flags, "writeable", None)
        shape = block.values.shape
        strides = strides if min(shape) > 1 or len(shape) == 1 else sorted(strides)
        strides = () if block.dtype == object else strides
        blocks.append((list(block.mgr_locs), str(block.dtype), strides, writeable))
    return sorted(blocks)


def check(parameter: Any, payload: Any) -> None:
    """The first answer may be inference-schema's own, the next is ours where it is proven."""
    theirs = outcome(ORIGINAL, parameter, payload)
    for _ in range(2):
        assert_same(outcome(PandasParameterType.deserialize_input, parameter, payload), theirs)
    known = frames_of(parameter)
    if known is not None:  # made by ours, whether or not it was handed out
        assert not known._differs


def frames_of(parameter: Any) -> Any:
    ours: Any = PandasParameterType.deserialize_input
    cells = [cell.cell_contents for cell in ours.__closure__]
    known = next(cell for cell in cells if hasattr(cell, "keyrefs"))
    return known.get(parameter)


def is_proven(parameter: Any) -> bool:
    known = frames_of(parameter)
    return known is not None and bool(known._proven)


@st.composite
def samples(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    frame = pd.DataFrame({name: [1] for name in names})
    if draw(st.booleans()):
        frame.columns = [int(name) if name.isdecimal() else name for name in names]
    for position, name in enumerate(frame.columns):
        dtype = draw(st.sampled_from(DTYPES))
        value: Any = {"category": "a", "string": "a"}.get(dtype, 1)
        column = pd.Series([value, value]).astype("object")
        column = pd.Series(["a", "b"]) if dtype == "category" else column
        frame.isetitem(position, column.astype(dtype).iloc[:1])
        assert name in frame
    return frame


@st.composite
def payloads(draw: st.DrawFn, sample: pd.DataFrame, orient: str) -> Any:
    names = [str(name) for name in sample.columns]
    change = draw(st.sampled_from(["", "", "", "", "order", "less", "more", "other"]))
    if change == "order":
        names = draw(st.permutations(names))
    elif change == "less":
        names = names[:-1]
    elif change == "more":
        names = [*names, draw(NAMES)]
    elif change == "other":
        names = [draw(NAMES), *names[1:]]
    rows = draw(st.sampled_from([0, 1, 1, 2, 3]))
    columns = [
        draw(st.lists(draw(st.sampled_from(COLUMNS)), min_size=rows, max_size=rows)) for _ in names
    ]
    table = [list(row) for row in zip(*columns, strict=True)] if names else [[]] * rows
    if orient == "split":
        return draw(splits(names, table))
    records = [dict(zip(names, row, strict=True)) for row in table]
    if records and draw(st.integers(0, 7)) == 0:
        last = records[-1]
        if draw(st.booleans()) and last:
            last.popitem()
        records[-1] = dict(reversed(last.items()))
    return records


@st.composite
def splits(draw: st.DrawFn, names: list[str], table: list[list[Any]]) -> Any:
    payload: dict[str, Any] = {"columns": names, "data": table}
    if draw(st.booleans()):
        labels = st.one_of(
            st.integers(0, 9), st.integers(-5, 10**9), st.sampled_from(["a", "1", "2020"]), FLOATS
        )
        one = draw(st.sampled_from([st.integers(0, 9), st.integers(0, 9), labels]))
        size = len(table) + draw(st.sampled_from([0, 0, 0, 1]))
        payload["index"] = draw(st.lists(one, min_size=size, max_size=size))
    if draw(st.integers(0, 9)) == 0:
        payload["more"] = 1
    return payload


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore")
def test_a_frame_is_the_one_that_inference_schema_makes(data: st.DataObject) -> None:
    orient = data.draw(st.sampled_from(["records", "split"]))
    parameter = parameter_of(
        data.draw(samples()), orient=orient, enforce_shape=data.draw(st.booleans())
    )
    for _ in range(data.draw(st.integers(1, 3))):
        check(parameter, data.draw(payloads(parameter.sample_input, orient)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore")
def test_what_is_proven_holds_for_all_values_of_its_kinds(data: st.DataObject) -> None:
    """One parameter, proven with simple values, then asked with extreme ones."""
    dtype = data.draw(st.sampled_from(DTYPES))
    sample = pd.DataFrame({"age": pd.Series(["a", "b"]).astype("category"), "x": [1.5, 2.5]})
    if dtype not in ("category", "string"):
        sample["age"] = pd.Series([1, 1]).astype("object").astype(dtype)
    parameter = parameter_of(sample)
    simple = {str: "a", float: 1.5, int: 1, bool: True, type(None): None}
    values = data.draw(
        st.lists(data.draw(st.sampled_from(COLUMNS)), min_size=2, max_size=4), label="values"
    )
    first = [simple.get(type(value), value) for value in values]
    for column in (first, values):
        check(parameter, [{"age": value, "x": 0.3} for value in column])


SAMPLE = pd.DataFrame({"a": [1.5], "b": [1], "c": ["x"], "d": [True]})
RECORDS = json.loads(SAMPLE.to_json(orient="records"))
SPLIT = {"columns": ["a", "b", "c", "d"], "data": [[1.5, 1, "x", True]] * 2, "index": [0, 1]}


def test_what_automl_writes_is_made_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    for orient, payload in (("records", RECORDS), ("split", SPLIT)):
        parameter = parameter_of(SAMPLE, orient=orient)
        first = parameter.deserialize_input(payload)
        with monkeypatch.context() as patch:
            patch.delattr(pd, "read_json")
            second = parameter.deserialize_input(payload)
        assert_same(second, first)


@pytest.mark.parametrize(
    "sample",
    [
        pd.DataFrame({"created_at": [1.0]}),
        pd.DataFrame({"Date": [1.0]}),
        pd.DataFrame({"30th": [1.0]}),
        pd.DataFrame({"2020-01-01": [1.0]}),
        pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]),
    ],
    ids=lambda sample: str(list(sample.columns)),
)
def test_names_that_pandas_may_convert_are_left_to_it(sample: pd.DataFrame) -> None:
    parameter = parameter_of(sample)
    payload = [{str(name): 1.0 for name in sample.columns}]
    for _ in range(2):
        assert_same(
            outcome(PandasParameterType.deserialize_input, parameter, payload),
            outcome(ORIGINAL, parameter, payload),
        )
    assert not is_proven(parameter)


def test_columns_that_are_numbered_have_numbers() -> None:
    parameter = parameter_of(pd.DataFrame([[1.5, 2.5]]))
    check(parameter, [{"0": 0.1, "1": 0.2}])
    assert is_proven(parameter)


def test_floats_are_rounded_as_pandas_rounds_them() -> None:
    parameter = parameter_of(SAMPLE[["a"]])
    values = [number / 7919 for number in range(3000)]
    check(parameter, [{"a": value} for value in values])


@pytest.mark.parametrize("options", [{"apply_column_names": True}, {"enforce_column_type": False}])
@pytest.mark.filterwarnings("ignore:apply_column_names")
def test_other_options_are_left_to_inference_schema(options: dict[str, bool]) -> None:
    parameter = parameter_of(SAMPLE, **options)
    check(parameter, RECORDS)
    assert not is_proven(parameter)


@pytest.mark.parametrize("payload", ["[]", 1, None, [], {}, [1], [[]], [{}], {"data": []}, SAMPLE])
@pytest.mark.parametrize("orient", ["records", "split", "values", "columns", "index", "table"])
def test_what_is_no_table_is_left_to_inference_schema(payload: Any, orient: str) -> None:
    check(parameter_of(SAMPLE, orient=orient), payload)


def test_a_frame_shares_nothing_with_the_next() -> None:
    parameter = parameter_of(SAMPLE)
    parameter.deserialize_input(RECORDS)
    frame = parameter.deserialize_input(RECORDS)
    frame.loc[0, "a"] = 7.0
    frame["new"] = 1
    frame.columns.name = "mine"
    frame.index.name = "rows"
    del frame["b"]
    frame.attrs["x"] = 1
    check(parameter, RECORDS)


def test_a_sample_may_change() -> None:
    sample = SAMPLE.copy()
    parameter = parameter_of(sample)
    check(parameter, RECORDS)
    sample["b"] = sample["b"].astype("float32")
    check(parameter, RECORDS)
    sample["new"] = 1
    check(parameter, RECORDS)


def test_one_difference_and_the_parameter_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = parameter_of(SAMPLE)
    with monkeypatch.context() as patch:
        patch.setattr(schema_frames, "same", lambda *_: False)
        parameter.deserialize_input(RECORDS)
    assert frames_of(parameter)._differs
    assert_same(parameter.deserialize_input(RECORDS), ORIGINAL(parameter, RECORDS))


def test_frames_that_differ_in_little_are_not_the_same() -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2], "c": pd.Series([1, "x"], dtype=object)})
    assert schema_frames.same(frame, frame.copy())
    floats = pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2], "c": pd.Series([1.0, "x"], dtype=object)})
    for other in (
        frame.astype({"b": "float64"}),
        frame.set_axis([5, 6]),
        frame.set_axis(pd.Index([0, 1])),
        frame.rename_axis(columns="x"),
        frame[["b", "a", "c"]],
        floats,
    ):
        assert not schema_frames.same(frame, other)


def test_classes_of_the_script_keep_their_ways() -> None:
    class Mine(PandasParameterType):  # type: ignore[misc]  # it has no types
        def deserialize_input(self, input_data: Any) -> Any:
            return super().deserialize_input(input_data).assign(mine=1)

    parameter = Mine(SAMPLE)
    for _ in range(2):
        assert list(parameter.deserialize_input(RECORDS)) == [*"abcd", "mine"]
    assert frames_of(parameter) is None


def test_what_is_not_as_it_is_known_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(self: Any, input_data: Any) -> Any:
        return input_data

    monkeypatch.setattr(PandasParameterType, "deserialize_input", other)
    schema_frames.install()
    assert PandasParameterType.deserialize_input is other


def test_a_worker_without_inference_schema_has_nothing_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = PandasParameterType.deserialize_input
    monkeypatch.delitem(sys.modules, schema_frames._MODULE)
    schema_frames.install()
    assert PandasParameterType.deserialize_input is ours
