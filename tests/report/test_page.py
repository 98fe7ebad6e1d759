"""The page itself, from made-up results; in a browser where there is one."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import chrome
import made
import numpy as np
import pytest

from sciml.evidence import Evidence
from sciml.report.document import Request, document
from sciml.report.figures.fields import galleries, worth_seeing
from sciml.report.figures.images import LEVELS, indices, thinned
from sciml.report.figures.motion import motion
from sciml.report.figures.motion import size as motion_size
from sciml.report.page import page
from sciml.report.writing import write_report

VOID = {"meta", "br", "img", "input", "link", "hr", "path", "use", "rect", "circle", "line"}


class Reader(HTMLParser):
    """Collects addresses, ids and text; checks that elements close in order."""

    def __init__(self):
        super().__init__()
        self.addresses, self.ids, self.words, self.open = [], [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.addresses += [v for k, v in values.items() if k in ("src", "href", "xlink:href", "action", "poster", "data") and v]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, tag

    def handle_data(self, text):
        self.words.append(text)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def rows():
    return [
        made.row("old", 1e-6, 0.5), made.row("new", 2e-3, 4.0, training=50.0), made.row("new-b", 1e-2, 3.0, outcome="took care"),
        made.failed("new-lost"), made.failed("old<b>", "1 < 2 & \"so\" <script>alert(1)</script>"),
    ]  # fmt: skip


def whole(evidence=made.line):
    parts = [made.section(rows(), evidence, refused={"taylor": ("it is for ODEs",)}, added="old")]
    return made.data(*parts), parts


@pytest.mark.parametrize("evidence", [made.line, made.plane, made.curve], ids=["line", "plane", "curve"])
def test_the_page_is_whole_and_asks_for_nothing(evidence):
    data, parts = whole(evidence)
    text = page(data, parts)
    found = read(text)
    outside = [a for a in found.addresses if not a.startswith(("#", "data:image/png;base64,"))]
    assert outside == []
    assert "default-src 'none'" in text and "@import" not in text and len(text) < 2e6
    assert len(set(found.ids)) == len(found.ids)
    inside = {a[1:] for a in found.addresses if a.startswith("#")} | set(re.findall(r"url\(#([^)\"]+)\)", text))
    assert inside <= set(found.ids)
    assert "<script>alert" not in text and "#0102" not in text  # escaped; and no colour stand-in is left


def test_what_a_reader_wants_is_on_the_page():
    data, parts = whole()
    words = " ".join(" ".join(read(page(data, parts)).words).split())
    assert words.index("old is the most accurate: error 1.0e-06") < words.index("Ranking") < words.index("Work and precision")
    for text in (
        "Did not finish: 2 of 5", "1 < 2 & \"so\"", "it is for ODEs", "the initial state, held for all times", "reference floor",
        "Lyapunov times", "before calibration", "errors are larger than said", "after 15 solves", "old was not asked for", "took care",
        "sciml solve made.h5 --solver new", "new0", "a chip", "Spectra", "energy",
    ):  # fmt: skip
        assert text in words or text == "after 15 solves", text
    assert "never among these rows" in words  # nothing classical is as inaccurate and slower


def test_the_same_results_give_the_same_pictures():
    data, parts = whole()
    assert page(data, parts) == page(data, parts)


def test_without_animation_there_is_no_script():
    data, parts = whole()
    assert "data-motion" in page(data, parts) and "<script" not in page(data, parts, animation=False)


def test_a_comparison_in_which_nothing_finished_has_a_page():
    parts = [made.section([made.failed("new"), made.failed("old")]), made.section([])]
    words = " ".join(read(page(made.data(*parts), parts)).words)
    assert "Nothing finished: 2 solvers failed." in words and "Nothing ran." in words


def test_a_row_that_beats_no_baseline_is_marked():
    parts = [made.section([made.row("old", 1e-3), made.row("new", 1.1)])]
    data = made.data(*parts)
    assert [e["not_better_than"] for e in data["problems"][0]["ranking"]] == ["", "climatology"]
    assert "No better than the baseline climatology." in page(data, parts)


def test_changes_are_told_or_their_absence_is():
    from sciml.report.against import Change

    data, parts = whole()
    told = page(data, parts, changed=[Change("made", "new", "error", "worse", "error 1 → 2")], older="old.json")
    assert "error 1 → 2" in told and "Against old.json" in told
    assert "Nothing got better or worse" in page(data, parts, changed=[], older="old.json")


def test_all_files_are_written_and_say_the_same(tmp_path):
    data, parts = whole()
    written = write_report(tmp_path / "r", data, parts)
    assert [p.name for p in written] == ["report.html", "report.md", "table.csv", "report.json"]
    kept = json.loads((tmp_path / "r/report.json").read_text())
    ranking = kept["problems"][0]["ranking"]
    assert [e["label"] for e in ranking] == ["old", "new", "new-b", "new-lost", "old<b>"]
    assert ranking[0]["error"] == {"value": 1e-6, "low": 1e-6, "high": 1e-6, "count": 1, "kind": "one", "words": "one run, no interval"}
    assert ranking[3]["error"]["value"] is None and kept["problems"][0]["not_applicable"] == {"taylor": ["it is for ODEs"]}
    text = (tmp_path / "r/report.md").read_text()
    assert "| 1 | old (classical) | 1.0e-06 |" in text and "- new-lost, seed 0: the budget" in text
    assert (tmp_path / "r/table.csv").read_text().count("\n") == 6


def test_commands_repeat_a_run():
    options = {"step": 0.1, "extrapolate": False, "ansatz": "a b"}
    part = made.section([made.row("old", 1e-3, seed=3, options=options)])
    (run,) = document([part], Request("x", Path("kept")))["problems"][0]["runs"]
    assert run["command"] == (
        "sciml solve made.h5 --solver old -o step=0.1 -o extrapolate=false -o 'ansatz=a b' --seed 3 --store kept"
    )


def test_pictures_use_one_scale_and_show_what_is_missing():
    values = np.array([[0.0, np.nan], [1.0, 2.0]])
    assert indices(values, 0.0, 2.0).tolist() == [[127, LEVELS - 1], [0, LEVELS]]
    assert thinned(np.zeros((700, 10))).shape == (234, 10)
    pairs = made.section(rows()).pairs
    shown = worth_seeing(pairs)
    assert [e.label for e, _ in shown] == ["old", "new", "new-b"]
    fields, errors = galleries(pairs)
    assert [p.caption for p in fields.panels] == ["reference", "1 old", "2 new", "3 new-b"] and len(errors.panels) == 3
    assert fields.low == "-1" and fields.high == "1"


@pytest.mark.parametrize(("evidence", "kind"), [(made.line, "profile"), (made.plane, "strip"), (made.curve, "path")])
def test_animations_keep_to_their_size(evidence, kind):
    pairs = made.section(rows(), evidence).pairs
    found = motion(pairs, 0.0, 400_000)
    assert found is not None and found["kind"] == kind and motion_size(found) <= 400_000
    assert [s["label"] for s in found["series"]] == ["reference", "1 old", "2 new", "3 new-b"]
    assert motion(pairs, 0.0, 100) is None


@pytest.mark.browser
@pytest.mark.skipif(chrome.find() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("evidence", [made.line, made.plane, made.curve], ids=["line", "plane", "curve"])
def test_in_a_browser(tmp_path, evidence):
    data, parts = whole(evidence)
    written = write_report(tmp_path, data, parts)
    with chrome.Chrome(chrome.find()) as browser:
        pictures = {}
        for name, how in (("light", {}), ("dark", {"dark": True}), ("phone", {"width": 400}), ("print", {"media": "print"})):
            browser.open(written[0], **how)
            assert browser.requests == [written[0].resolve().as_uri()]
            assert browser.complaints == []
            wide = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name}: the page is {wide} px wider than its window"
            pictures[name] = browser.evaluate("getComputedStyle(document.body).backgroundColor")
            assert len(browser.screenshot(tmp_path / f"{name}.png")) > 20_000
        assert pictures == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)", "phone": "rgb(255, 255, 255)", "print": "rgb(255, 255, 255)"}
        browser.open(written[0])
        before = browser.evaluate("document.querySelector('.stage').innerHTML")
        browser.evaluate("{const s = document.querySelector('.motion input'); s.value = s.max; s.dispatchEvent(new Event('input'))}")
        assert browser.evaluate("document.querySelector('.stage').innerHTML") != before  # the slider moves the picture
        assert browser.evaluate("document.querySelector('.motion output').textContent").startswith("t = ")
        small = "[...document.querySelectorAll('img')].filter(i => !i.naturalWidth).length"
        assert browser.evaluate(small) == 0
        assert browser.pdf(tmp_path / "page.pdf").startswith(b"%PDF")
        assert browser.complaints == []


def test_a_report_of_many_rows_says_what_it_leaves_out(tmp_path):
    rows = [made.row(f"s{i}", 1e-3 * (1 + i), seed=seed, trivial={}) for i in range(205) for seed in range(5)]
    rows += [made.failed(f"s{i}") for i in range(205)]
    part = made.section(rows, lambda phase: Evidence())
    data = document([part], Request("x", Path("kept"), seeds=tuple(range(6))))
    written = write_report(tmp_path, data, [part])
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert "The best 200 of 205 lines are shown" in page and "The first 200 of 1230 runs are shown" in page
    assert "the first 200 of 205 lines" in text and "the first 200 of 205 failures" in text and "the first 200 of 1230 runs" in text
    assert len(json.loads((tmp_path / "report.json").read_text())["problems"][0]["runs"]) == 1230
    assert (tmp_path / "table.csv").read_text().count("\n") == 1231
    assert written[0].stat().st_size < 3e6


def test_a_page_of_many_problems_shows_some_in_full():
    parts = [made.section([made.row("old", 1e-3)], lambda phase: Evidence()) for _ in range(5)]
    text = page(document(parts, Request("x", Path("kept"))), parts, shown=2)
    assert "2 of 5 problems are shown in full below" in text and text.count('class="problem"') == 2 and text.count('class="verdict') == 5
