import io
import re
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tidegate.report.axes import fitting, linear
from tidegate.report.bitmap import DIVERGING, SEQUENTIAL, bitmap
from tidegate.report.confusion import shortened
from tidegate.report.curves import by_epoch
from tidegate.report.gates import thinned
from tidegate.report.marks import MARKS, NUM_COLORS, color_of, mark_of, outline
from tidegate.report.markup import coordinate, element, html
from tidegate.report.panel import Panel

values = st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-3)


def positions(panel: Panel, axis: str) -> dict[str, float]:
    """Where the drawing has the labels of an axis."""
    place, side = ("x", "middle") if axis == "x" else ("y", "end")
    texts = panel.drawing.find("g").findall("text")
    return {text.text: float(text.get(place)) for text in texts if text.get("class") == side}


@settings(deadline=None)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=4))
def test_points_land_where_the_ticks_say(points):
    x = fitting(value for value, _ in points)
    y = linear(value for _, value in points)
    panel = Panel("p", x, y, heading="h", description="d")
    columns, rows = positions(panel, "x"), positions(panel, "y")
    for column, row in points:
        panel.ring(column, row, "c")
    drawn = [(float(circle.get("cx")), float(circle.get("cy"))) for circle in panel.drawing.iter("circle")]
    for (column, row), (left, top) in zip(points, drawn, strict=True):
        scale = np.log10 if x.logarithmic else float
        ticks = [scale(tick) for tick in x.ticks]
        # The first and last tick of a logarithmic axis need not be its ends.
        slope = (columns[x.labels[-1]] - columns[x.labels[0]]) / (ticks[-1] - ticks[0])
        assert left == pytest.approx(columns[x.labels[0]] + slope * (scale(column) - ticks[0]), abs=0.3)
        between = np.interp(row, y.ticks, [rows[label] - 4 for label in y.labels])
        assert top == pytest.approx(between, abs=0.11)


def test_what_cannot_be_drawn_leaves_a_gap():
    panel = Panel("p", linear([0, 3]), linear([0, 1]), heading="h", description="d")
    panel.line([(0, 0), (1, 1), (2, float("nan")), (3, 0), (3, 1)], "c")
    path = panel.drawing.findall("path")[-1].get("d")
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_a_mark_has_its_tip_and_its_cell_its_mark_and_colour():
    panel = Panel("p", linear([0, 1]), linear([0, 1]), heading="h", description="d")
    panel.mark(0.5, 0.5, 1, "lstm, seed 3")
    mark = panel.drawing.findall("path")[-1]
    assert mark.find("title").text == "lstm, seed 3"
    assert mark.get("class") == "mark color-1"
    pairs = {(mark_of(number), color_of(number)) for number in range(len(MARKS) * NUM_COLORS)}
    assert len(pairs) == len(MARKS) * NUM_COLORS


@pytest.mark.parametrize("mark", MARKS)
def test_marks_lie_around_their_point(mark):
    numbers = re.findall(r"-?[\d.]+", outline(mark, 100, 50, 4).partition("a")[0])
    across, up = [float(n) for n in numbers[::2]], [float(n) for n in numbers[1::2]]
    assert max(abs(x - 100) for x in across) <= 6
    assert max(abs(y - 50) for y in up) <= 6


@given(st.floats(-1e4, 1e4))
def test_coordinates_are_short_and_close(value):
    text = coordinate(value)
    assert re.fullmatch(r"-?\d+(\.\d)?", text)
    assert text not in ("-0", "-0.0")
    assert abs(float(text) - value) <= 0.0501


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 10), min_size=1, max_size=40), min_size=1, max_size=4), st.integers(3, 50)
)
def test_curves_are_medians_and_ranges_of_who_still_trains(histories, most):
    points = by_epoch(histories, most)
    longest = max(map(len, histories))
    assert len(points) <= most
    everything = [value for history in histories for value in history]
    assert min(low for *_, low, _ in points) == min(everything)
    assert max(high for *_, high in points) == max(everything)
    if longest <= most:
        table = np.full((len(histories), longest), np.nan)
        for row, history in zip(table, histories):
            row[: len(history)] = history
        assert [point[0] for point in points] == list(range(1, longest + 1))
        assert [point[1] for point in points] == pytest.approx(np.nanmedian(table, axis=0))
        assert [point[2] for point in points] == pytest.approx(np.nanmin(table, axis=0))
        assert [point[3] for point in points] == pytest.approx(np.nanmax(table, axis=0))


def test_a_curve_of_nothing_has_no_points():
    assert by_epoch([]) == by_epoch([(), ()]) == by_epoch([(float("nan"),)]) == []


def picture(uri: str) -> np.ndarray:
    image = Image.open(io.BytesIO(b64decode(uri.removeprefix("data:image/png;base64,"))))
    return np.asarray(image.convert("RGB"))


def test_a_bitmap_has_a_pixel_a_number_in_its_colour():
    pixels = picture(bitmap([[0, 1, 2], [0.5, float("nan"), -1]], SEQUENTIAL))
    assert pixels.shape == (2, 3, 3)
    assert [tuple(pixel) for pixel in pixels[0]] == [SEQUENTIAL[0], SEQUENTIAL[-1], SEQUENTIAL[-1]]
    assert tuple(pixels[1, 1]) == (200, 200, 200)
    assert tuple(pixels[1, 2]) == SEQUENTIAL[0]
    assert tuple(picture(bitmap([[0.5]], DIVERGING))[0, 0]) == DIVERGING[2]
    ramp = picture(bitmap([np.linspace(0, 1, 100)], SEQUENTIAL))[0].astype(int)
    assert np.all(np.diff(ramp.sum(axis=1)) <= 0)


def test_a_map_of_many_steps_keeps_its_means_and_a_small_one_itself():
    values = np.arange(800 * 400).reshape(400, 800) / 1000
    small = np.array(thinned(values.tolist()))
    assert small.shape == (200, 267)
    assert small[0, 0] == pytest.approx(values[:2, :3].mean())
    assert small[-1, -1] == pytest.approx(values[-2:, 798:].mean())
    assert thinned([[1, 2], [3, 4]]) == [[1, 2], [3, 4]]


def test_labels_stay_apart_when_they_are_shortened():
    assert shortened(["walking upstairs", "sit"]) == ["walking …", "sit"]
    assert shortened(["phoneme number 1", "phoneme number 2"]) == ["phon…er 1", "phon…er 2"]


def test_text_is_escaped_and_what_cannot_be_written_is_replaced():
    written = html(element("p", "<b>&\x00\ud800", element("i", '"x"'), "tail<", title='"<&>"'))
    assert written == '<p title="&quot;<&amp;&gt;&quot;">&lt;b&gt;&amp;\ufffd\ufffd<i>"x"</i>tail&lt;</p>'
