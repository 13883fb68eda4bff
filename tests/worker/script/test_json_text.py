"""JSON results: equal to what the stdlib would have written, and what it would not."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import enum
import json
import math
import re
import subprocess
import sys
import uuid
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.script import memory, plain_values
from scoreserve.worker.script.json_text import dumps

any_text = st.text(st.characters(codec=None))  # lone surrogates too
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | st.integers(-(2**70), 2**70)
)
keys = any_text | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: Any
    y: Any


class Celsius(float):
    pass


class Count(int):
    pass


class Name(str):
    __slots__ = ()


class Prediction:
    """What some scripts return: an object that knows its JSON."""

    def toJSON(self) -> Any:  # noqa: N802 - the name that is looked for
        return {"label": 1}

    def __repr__(self) -> str:
        return "Prediction()"


class Opaque:
    """An object that knows nothing of JSON."""

    def __repr__(self) -> str:
        return "Opaque()"


def same(left: Any, right: Any) -> bool:
    """Equality in which NaN equals NaN and types count."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def read(value: Any) -> Any:
    return json.loads(dumps(value))


class TestAsTheStdlib:
    @given(values)
    def test_any_plain_value_reads_the_same(self, value: Any) -> None:
        assert same(read(value), json.loads(json.dumps(value)))

    @pytest.mark.parametrize(
        "value",
        [
            Celsius(36.6),
            Celsius("nan"),
            Count(2**80),
            Name("a"),
            Level.HIGH,
            {Level.HIGH: Count(1)},
            Point(1, [Point(2, 3)]),
            collections.OrderedDict(b=1, a=2),
            collections.defaultdict(list, a=[1]),
            np.float64(0.1),
            np.str_("a"),
            [1e16, 1e-7, 5e-324, 1.7976931348623157e308, -0.0],
            [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1],
            "\ud800 alone",
            {"\udfff": None},
            "null",
            ["null", math.nan],
        ],
        ids=repr,
    )
    def test_subclasses_and_limits_read_the_same(self, value: Any) -> None:
        assert same(read(value), json.loads(json.dumps(value)))

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ([math.nan, math.inf, -math.inf], b"[NaN,Infinity,-Infinity]"),
            ({"a": None, "b": math.nan}, b'{"a":null,"b":NaN}'),
            ({1: "a", False: "b", None: "c"}, b'{"1":"a","false":"b","null":"c"}'),
            ("ä", '"ä"'.encode()),
            ("\ud800ä", b'"\\ud800\\u00e4"'),
            ([1, {"a": "b"}], b'[1,{"a":"b"}]'),
        ],
        ids=["nan", "nan and null", "keys", "utf-8", "surrogate", "compact"],
    )
    def test_as_bytes(self, value: Any, text: bytes) -> None:
        assert dumps(value) == text

    def test_deep_nesting(self) -> None:
        value: Any = []
        for _ in range(300):
            value = [value]
        assert read(value) == value


class TestStrict:
    @given(values)
    def test_is_always_standard_json(self, value: Any) -> None:
        def refuse(constant: str) -> Any:
            raise AssertionError(f"{constant} is not JSON")

        json.loads(dumps(value, strict=True), parse_constant=refuse)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ([math.nan, math.inf], b"[null,null]"),
            ({1: math.nan, "big": 2**80}, b'{"1":null,"big":1208925819614629174706176}'),
            (np.array([1.5, math.nan]), b"[1.5,null]"),
            ("NaN", b'"NaN"'),
        ],
        ids=["plain", "beyond orjson", "numpy", "text"],
    )
    def test_writes_null_for_what_is_no_number(self, value: Any, text: bytes) -> None:
        assert dumps(value, strict=True) == text

    @given(values)
    def test_changes_nothing_else(self, value: Any) -> None:
        def without_constants(text: bytes) -> Any:
            return json.loads(text, parse_constant=lambda _: None)

        assert same(without_constants(dumps(value, strict=True)), without_constants(dumps(value)))


class TestBeyondTheStdlib:
    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
            (np.array([[1, 2], [3, 4]]).T, [[1, 3], [2, 4]]),
            (np.array(7), 7),
            (np.array([]), []),
            (np.array(["a", "b"]), ["a", "b"]),
            (np.array([1, "a", None], dtype=object), [1, "a", None]),
            (np.array([True, False]), [True, False]),
            (np.int64(-3), -3),
            (np.uint8(255), 255),
            (np.bool_(True), True),
            (np.float32(0.5), 0.5),
            (np.float16(0.5), 0.5),
            ({"a": [np.int32(1), np.array([2.5])]}, {"a": [1, [2.5]]}),
            (datetime.date(2024, 2, 29), "2024-02-29"),
            (datetime.datetime(2024, 2, 29, 1, 2, 3, 4), "2024-02-29T01:02:03.000004"),  # noqa: DTZ001 - as scripts do
            (
                datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc),
                "2024-02-29T00:00:00+00:00",
            ),
            (datetime.time(1, 2), "01:02:00"),
            (Colour.RED, "red"),
            ([Colour.RED, None], ["red", None]),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            ([uuid.UUID(int=1), None], ["00000000-0000-0000-0000-000000000001", None]),
            (Prediction(), {"label": 1}),
            ([Prediction(), np.array([Point(1, 2)])], [{"label": 1}, [[1, 2]]]),
        ],
        ids=repr,
    )
    def test_other_types_become_their_plain_values(self, value: Any, plain: Any) -> None:
        assert same(read(value), plain)

    def test_nan_in_an_array_stays_nan(self) -> None:
        assert dumps({"a": np.array([1.0, math.nan])}) == b'{"a":[1.0,NaN]}'

    @pytest.mark.parametrize(
        "value",
        [
            np.float32(0.1),
            np.array([0.1, 0.7], dtype=np.float32),
            np.array([[0.1, 0.2], [0.3, 0.7]], dtype=np.float32).T,
            np.float16(0.1),
            np.datetime64("2024-02-29T01:02:03"),
            np.datetime64("2024-02-29T01:02:03.123456789"),
            np.array(["2024-02-29"], dtype="datetime64[ns]"),
            datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc),
            Colour.RED,
            uuid.UUID(int=1),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("neighbour", [2**80, "null"], ids=repr)
    def test_a_value_does_not_depend_on_what_stands_beside_it(
        self, value: Any, neighbour: Any
    ) -> None:
        """Whichever of the two libraries writes it."""
        assert read([value, neighbour])[0] == read([value, 0])[0]


class TestUnserialisable:
    @pytest.mark.parametrize(
        "value",
        [
            b"bytes",
            {1, 2},
            1j,
            Opaque(),
            decimal.Decimal(1),
            {(1, 2): "a"},
            {"a": [b"bytes"]},
            np.complex128(1j),
        ],
        ids=repr,
    )
    def test_types_are_refused(self, value: Any) -> None:
        with pytest.raises(TypeError):
            dumps(value)
        with pytest.raises(TypeError):
            dumps(value, strict=True)

    def test_the_type_is_named(self) -> None:
        with pytest.raises(TypeError, match="Opaque"):
            dumps([Opaque()])

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({1}, "Object of type set is not JSON serializable: result"),
            ({"a": [0, 1j]}, r"complex is not JSON serializable: result['a'][1]"),
            ([np.array([0, b"x"], dtype=object)], "bytes is not JSON serializable: result[0][1]"),
            ([{"a": {(1, 2): 3}}], "None, not tuple: result[0]['a']"),
        ],
        ids=repr,
    )
    def test_the_place_is_told(self, value: Any, message: str) -> None:
        with pytest.raises(TypeError, match=re.escape(message) + "$"):
            dumps(value)

    def test_circles_are_refused(self) -> None:
        circle: list[Any] = []
        circle.append(circle)
        with pytest.raises((ValueError, RecursionError)):
            dumps(circle)

    def test_what_a_values_own_method_raises_comes_through(self) -> None:
        class Broken:
            def tolist(self) -> Any:
                raise KeyError("mine")

        with pytest.raises((KeyError, TypeError), match="mine"):
            dumps(Broken())


class TestWhatTheScriptPutsInJsonsPlace:
    """Ours stays the stdlib's; the script's is asked where ours knows no answer."""

    @pytest.fixture(autouse=True)
    def replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json, "dumps", lambda value: f'"the script\'s {value}"')
        monkeypatch.setattr(json, "loads", lambda text: "the script's")

    def test_does_not_write_results(self) -> None:
        assert dumps([math.nan, 1e16, {1: "ä"}]) == '[NaN,1e+16,{"1":"ä"}]'.encode()
        assert dumps([math.nan, {1: 2}], strict=True) == b'[null,{"1":2}]'
        assert dumps({np.int64(1): np.array([1])}) == b'{"1":[1]}'

    def test_writes_what_has_no_plain_value(self) -> None:
        assert dumps([Opaque()]) == b'"the script\'s [Opaque()]"'

    def test_may_give_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json, "dumps", lambda value: b"bytes")
        assert dumps([Opaque()]) == b"bytes"

    def test_may_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(value: Any) -> Any:
            raise TypeError("the script's own")

        monkeypatch.setattr(json, "dumps", refuse)
        with pytest.raises(TypeError, match="the script's own"):
            dumps([Opaque()])

    def test_an_encoder_that_learnt_more_is_obeyed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As by the reference, whose results go through it."""
        known = json.JSONEncoder.default

        def default(encoder: json.JSONEncoder, value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return "an array"
            return "opaque" if isinstance(value, Opaque) else known(encoder, value)

        monkeypatch.setattr(json.JSONEncoder, "default", default)
        assert dumps([Opaque(), np.array([1]), np.int64(2)]) == b'["opaque","an array",2]'


class TestMemory:
    """orjson ends the process when it gets none."""

    LARGE = (
        ["x" * (1 << 20)],
        [0.5] * (1 << 17),
        {"a": 1, "rows": [[0.5] * 256] * 256},
        [{"a": 1, "b": "text"}] * (1 << 15),
        {str(number): number for number in range(1 << 14)},
        np.zeros((512, 512)),
        (1.5, {"a": (True, np.zeros(1 << 16))}),
    )

    @pytest.fixture
    def refused(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        sizes: list[int] = []

        def has_room_for(size: int) -> bool:
            sizes.append(size)
            return False

        monkeypatch.setattr(memory, "has_room_for", has_room_for)
        return sizes

    @pytest.mark.parametrize("value", LARGE, ids=lambda value: type(value).__name__)
    def test_that_is_refused_has_the_stdlib_write(self, value: Any, refused: list[int]) -> None:
        encoded = json.dumps(value, default=lambda array: array.tolist(), separators=(",", ":"))
        assert dumps(value) == encoded.encode()
        assert len(refused) == 1
        assert refused[0] > len(encoded)

    @pytest.mark.parametrize("there", [True, False])
    def test_that_is_there_leaves_it_to_orjson(
        self, there: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which knows what an enumeration is; the stdlib has to be told."""
        told = []

        def plain(value: Any) -> Any:
            told.append(value)
            return "red"

        monkeypatch.setattr(memory, "has_room_for", lambda size: there)
        monkeypatch.setattr(plain_values, "plain", plain)
        assert dumps([*[0.5] * (1 << 17), Colour.RED])[-7:] == b',"red"]'
        assert told == ([] if there else [Colour.RED])

    @pytest.mark.parametrize(
        "value", [[0.5] * 1000, {"a": ["x" * 1000]}, np.zeros(1000), Opaque(), [Prediction()], 1]
    )
    def test_is_not_asked_for_the_sake_of_little(self, value: Any, refused: list[int]) -> None:
        with contextlib.suppress(TypeError):
            dumps(value)
        assert not refused

    def test_objects_of_the_script_may_do_anything_when_they_are_looked_at(self) -> None:
        class Broken:
            @property
            def shape(self) -> Any:
                raise KeyError("mine")

            def tolist(self) -> Any:
                return [1]

        assert read(Broken()) == [1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its own size")
@pytest.mark.parametrize(
    "value",
    ["'x' * 20_000_000", "[0.1] * 2_000_000", "{str(n): n for n in range(500_000)}"],
    ids=["text", "list", "object"],
)
@pytest.mark.parametrize("megabytes", [16, 64, 160])
def test_a_process_outlives_the_memory_that_it_is_refused(value: str, megabytes: int) -> None:
    """With so little left that orjson, the stdlib or neither can write the value."""
    program = f"""
import resource
from scoreserve.worker.script import json_text
value = {value}
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {megabytes} * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    json_text.dumps(value)
except MemoryError:
    pass
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
