"""The SVG that is drawn."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from benchmarks.charts import Line, Panel, Point, Scale, chart, log_ticks, short, spread_apart

SVG = "{http://www.w3.org/2000/svg}"


def point(x: float, y: float) -> Point:
    return Point(x, y, 0.9 * y, 1.1 * y)


def drawn(*lines: Line) -> ElementTree.Element:
    return ElementTree.fromstring(
        chart("a < b", "one CPU", [Panel("requests/s", "connections", lines)])
    )


def test_every_line_is_drawn_with_its_points_and_labelled() -> None:
    root = drawn(
        Line("scoreserve", [point(1, 100), point(64, 9000)]),
        Line("floor", [point(1, 90), point(64, 3000)]),
    )
    paths = [each.attrib["points"].split() for each in root.iter(f"{SVG}polyline")]
    assert [len(path) for path in paths] == [2, 2]
    assert len(list(root.iter(f"{SVG}circle"))) == 4
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"a < b", "one CPU", "scoreserve", "floor", "1", "64"} <= set(texts)


def test_more_is_higher() -> None:
    (path,) = drawn(Line("scoreserve", [point(1, 100), point(64, 9000)])).iter(f"{SVG}polyline")
    (left, low), (right, high) = (each.split(",") for each in path.attrib["points"].split())
    assert float(left) < float(right)
    assert float(low) > float(high)  # SVG counts downwards


def test_the_main_line_is_drawn_over_the_others() -> None:
    root = drawn(Line("scoreserve", [point(1, 100)]), Line("mosec", [point(1, 100)]))
    groups = [each.attrib["class"] for each in root.iter(f"{SVG}g") if "class" in each.attrib]
    assert groups == ["line-mosec", "line-scoreserve"]


def test_there_are_colours_for_light_and_for_dark() -> None:
    (style,) = drawn(Line("scoreserve", [point(1, 100)])).iter(f"{SVG}style")
    assert style.text is not None
    light, dark = style.text.split("@media (prefers-color-scheme: dark)")
    assert ".line-scoreserve{" in light
    assert ".line-scoreserve{" in dark


def test_a_panel_without_points_is_left_empty() -> None:
    assert list(drawn(Line("scoreserve", [])).iter(f"{SVG}polyline")) == []


def test_a_scale_is_logarithmic() -> None:
    scale = Scale(1, 100, 0, 10)
    assert [scale(value) for value in (1, 10, 100)] == pytest.approx([0, 5, 10])


def test_a_scale_of_one_value_puts_it_in_the_middle() -> None:
    assert Scale(5, 5, 0, 10)(5) == 5


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (3, 40, [2, 5, 10, 20, 50]),
        (1, 1000, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
        (0.3, 90_000, [0.1, 1, 10, 100, 1000, 10_000, 100_000]),
        (10, 10, [2, 5, 10, 20]),
        (30, 40, [10, 20, 50, 100]),
    ],
)
def test_ticks_enclose_the_values(low: float, high: float, expected: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    "places",
    [[], [100.0], [10.0, 100.0], [50.0, 51.0, 52.0], [0.0, 1.0, 2.0], [118.0, 119.0, 120.0]],
)
def test_labels_do_not_overlap_and_stay_inside(places: list[float]) -> None:
    moved = spread_apart(places, 14, 0, 120)
    assert all(second - first >= 14 for first, second in pairwise(moved))
    assert all(0 <= place <= 120 for place in moved)


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert spread_apart([10.0, 100.0], 14, 0, 120) == [10.0, 100.0]


@pytest.mark.parametrize(
    ("value", "text"), [(0.2, "0.2"), (500, "500"), (1500, "1.5k"), (100_000, "100k")]
)
def test_ticks_are_short(value: float, text: str) -> None:
    assert short(value) == text
