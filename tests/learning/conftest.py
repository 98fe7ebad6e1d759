from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch):
    """The tiny learned solver, registered for the time of a test."""
    import tiny as module

    from sciml import registry

    real = registry.plugins()
    mine = registry.Plugin("tiny-plugin", "tests", "0", "tiny", [module.Tiny])
    monkeypatch.setattr(registry, "plugins", lambda: (*real, mine))
    monkeypatch.setattr(module.Tiny, "fails_at", 0)
    return module
