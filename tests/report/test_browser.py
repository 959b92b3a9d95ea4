"""The report in a browser. Needs Chromium: make test-browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from report.chromium import MISSING, Browser, find
from report.pages import REGRESSION, ablation, example, with_cells

from tidegate.report import write_html

pytestmark = pytest.mark.browser

RESULTS = {
    "example": example(),
    "regression": REGRESSION,
    "six": with_cells(6),
    "nothing": {},
    "ablation": ablation("pace", "whether the walker was tired", "tags"),
    "several": ablation("pace", "tags") | {"ablation": None},
}
WIDTHS = (390, 1280)

# Drawings without an area, and what in them has neither width nor height; a box leaves out strokes, which are
# all there is of dots.
EMPTY = """[...document.querySelectorAll('svg, svg :is(path, text, rect, circle, image):not(.dots)')].filter(
    one => {
        const box = one.getBoundingClientRect();
        return one.matches('svg') ? box.width < 5 || box.height < 5 : !box.width && !box.height;
    }).map(one => one.outerHTML.slice(0, 200))"""

# Texts of a drawing beyond its edges, by more than a letter's overhang.
OUTSIDE = """[...document.querySelectorAll('svg text')].filter(one => {
    const box = one.getBoundingClientRect(), edge = one.ownerSVGElement.getBoundingClientRect();
    return box.left < edge.left - 4 || box.right > edge.right + 4
        || box.top < edge.top - 4 || box.bottom > edge.bottom + 4; }).map(one => one.textContent)"""

# What stands on the page beyond its right edge, tables in their scrolling boxes apart.
BESIDE = """[...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll > *')
    && one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 200))"""

SMALLEST_LETTER = """Math.min(...[...document.querySelectorAll('svg[role=img] text')].map(one =>
    parseFloat(getComputedStyle(one).fontSize) * Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b)))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find()
    assert program, MISSING
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module", params=RESULTS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_html(RESULTS[request.param], tmp_path_factory.mktemp("report") / f"{request.param}.html")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_drawn_without_errors_and_fits(browser: Browser, path: Path, width: int, dark: bool):
    browser.open(path, width, dark=dark)
    assert browser.messages == []
    assert browser.evaluate("innerWidth") == width
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(BESIDE) == []
    assert browser.evaluate(EMPTY) == []
    assert browser.evaluate(OUTSIDE) == []
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") != dark
    if path.stem == "example":
        assert browser.evaluate("document.querySelectorAll('svg[role=img]').length") == 30


@pytest.mark.parametrize("width", WIDTHS)
def test_letters_in_drawings_are_large_enough(browser: Browser, path: Path, width: int):
    if path.stem == "nothing":
        pytest.skip("has no drawing")
    browser.open(path, width)
    assert browser.evaluate(SMALLEST_LETTER) >= 9


def test_a_wide_table_scrolls_in_its_own_box_and_keeps_its_first_column(browser: Browser, tmp_path: Path):
    browser.open(write_html(example(), tmp_path / "report.html"), 390)
    box = "document.querySelector('.scroll')"
    assert browser.evaluate(f"{box}.scrollWidth > {box}.clientWidth")
    before = browser.evaluate(f"{box}.querySelector('tbody th').getBoundingClientRect().left")
    browser.evaluate(f"{box}.scrollLeft = 100")
    assert browser.evaluate(f"{box}.scrollLeft") == 100
    assert browser.evaluate(f"{box}.querySelector('tbody th').getBoundingClientRect().left") == before


def test_the_checks_find_what_they_look_for(browser: Browser, tmp_path: Path):
    page = tmp_path / "broken.html"
    page.write_text(
        "<!doctype html><script>console.error('x')</script><div style='width: 2000px'>wide</div>"
        "<svg width=50 height=50><text x=200 y=20>outside</text><path d=''/></svg>"
    )
    browser.open(page, 390)
    assert len(browser.messages) == 1
    assert browser.evaluate("document.documentElement.scrollWidth") == 2008
    assert [len(browser.evaluate(check)) for check in (BESIDE, EMPTY, OUTSIDE)] == [1, 1, 1]


def test_nothing_scrolls_when_it_is_printed(browser: Browser, path: Path):
    browser.open(path, 700)
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.evaluate("document.documentElement.scrollWidth") <= 700
    boxes = "[...document.querySelectorAll('.scroll')]"
    assert browser.evaluate(f"{boxes}.every(box => box.scrollWidth <= box.clientWidth + 1)")
