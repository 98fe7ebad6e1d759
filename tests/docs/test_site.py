"""The site builds without a warning, and reading it needs no network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT

pytest.importorskip("mkdocs", reason="needs the extra docs")
pytest.importorskip("material", reason="needs the extra docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built as .ci/run builds it: a link, an anchor or a name in the reference that leads nowhere is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", folder], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?([^\"\s>]+)", text)
        loaded += re.findall(r"<link[^>]*rel=\"?(?:stylesheet|icon|preconnect|preload)[^>]*href=\"?([^\"\s>]+)", text)
        assert [link for link in loaded if re.match(r"(https?:)?//", link)] == [], page.name
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//", sheet.read_text()) == [], sheet.name


def test_the_reference_is_there_without_the_generators(site: Path) -> None:
    commands = (site / "reference" / "command-line.html").read_text()
    assert "--no-animation" in commands and "::: mkdocs-click" not in commands
    python = (site / "reference" / "python.html").read_text()
    assert 'id="sciml.interactive.solve"' in python and 'id="sciml.problem.Problem"' in python
    assert 'id="sciml.metrics.norms.relative_l2"' in (site / "reference" / "metrics.html").read_text()
    assert 'id="sciml.hookspecs.register_metrics"' in (site / "reference" / "plugins.html").read_text()


def test_every_page_is_in_the_site_and_the_search_knows_it(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text()
    for page in (page for page in (ROOT / "docs").rglob("*.md") if "examples" not in page.parts):
        place = page.relative_to(ROOT / "docs").with_suffix(".html")
        assert (site / place).exists() and f'"location":"{place}' in index.replace('": "', '":"'), place
