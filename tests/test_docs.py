"""What the documentation prints is true; its commands are followed in tests/docs."""

from __future__ import annotations

import re
import types
from pathlib import Path

import numpy as np

from sciml import Axis, Equation, Grid, Problem, Run, registry

ROOT = Path(__file__).parents[1]


def test_the_example_plugin_works_as_printed() -> None:
    text = (ROOT / "docs/how-to/own-plugin.md").read_text()
    module = types.ModuleType("heat_euler")
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], module.__dict__)
    equation = Equation.parse(["u_t = d*u_xx"], ["u"], ["x"], {"d": 0.1})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, 32),), np.linspace(0, 1, 5))
    problem = Problem("heat", equation, grid, initial_text={"u": "sin(x)"})
    (cls,) = module.register_solvers()
    solution = cls().solve(problem, Run())
    solution.check(problem)
    assert np.abs(solution.values["u"][-1] - np.exp(-0.1) * problem.initial()[0]).max() < 1e-3


def test_every_option_of_executors_is_documented() -> None:
    from sciml_executors import register_executors

    text = (ROOT / "docs/reference/executors.md").read_text()
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    for cls in register_executors():
        rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| `([^`]*)` \|", sections[cls.name], re.MULTILINE))
        assert rows == {key: str(field.default) for key, field in cls.model_fields.items()}


def test_the_executor_that_is_printed_runs_cells(ode_file, tmp_path) -> None:
    from sciml.campaign import Site
    from sciml.campaign.submitting import campaign
    from sciml.planning import plan

    text = (ROOT / "docs/how-to/campaigns.md").read_text()
    module = types.ModuleType("threads")
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], module.__dict__)
    (cls,) = module.register_executors()
    planned = plan([ode_file], [registry.get_solver("taylor")()], tmp_path / "store")
    (rows,) = campaign(planned, cls(), Site(tmp_path / "store", 1, notice=print), seeds=(0, 1))
    assert [row.outcome for row in rows] == ["ok", "ok"]


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_shipped_problems_are_small_and_have_references() -> None:
    from sciml.files import problem_file
    from sciml.kinds import kind_of
    from sciml.reference.values import read_reference

    for path in (ROOT / "problems").glob("*.h5"):
        assert path.stat().st_size < 2e6
        if kind_of(path).word != "problem":  # references of families are made by `sciml data`, transport has its own test
            continue
        problem = problem_file.read(path)
        reference = read_reference(path, problem)
        assert path.stat().st_size < 2e6
        assert reference is not None
        plane = {"navier-stokes": 1e-9, "kolmogorov": 1e-9, "taylor-green-two-scale": 1e-9, "gray-scott": 2e-8}
        limit = plane.get(problem.name, 1e-10)
        assert max(reference.error.values()) <= limit


def test_the_study_that_is_printed_is_one(tmp_path) -> None:
    from sciml.study import read_study

    text = (ROOT / "docs/how-to/compare.md").read_text()
    (tmp_path / "study.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    study = read_study(tmp_path / "study.toml")
    assert study.solvers is not None
    assert [(s.name, s.options().get("tolerance")) for s in study.solvers][:2] == [("etdrk4", 1e-4), ("etdrk4", 1e-8)]
    assert study.seeds == (0, 1, 2, 3, 4) and study.budget == 60 and study.problems == (tmp_path / "problems/ks.h5",)


def test_the_study_of_a_campaign_is_one(tmp_path, monkeypatch) -> None:
    from sciml_executors.local import LocalExecutor

    from sciml.study import read_study

    monkeypatch.setattr(registry, "get_executor", lambda name: {"local": LocalExecutor}[name])
    text = (ROOT / "docs/how-to/campaigns.md").read_text()
    (tmp_path / "study.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    study = read_study(tmp_path / "study.toml")
    assert study.executor is not None
    assert (study.executor.options()["recycle"], study.workers) == (100, 2)


def test_the_page_on_transport_runs_as_printed(transport_plugin, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("page")
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/transport.md").read_text(), re.DOTALL):
        exec(block, module.__dict__)
    w2, divergence = (float(word) for word in capsys.readouterr().out.splitlines()[0].split())
    assert 1.2 < w2 < 1.6 and 1.0 < divergence < w2**2  # about √2, the length of the translation; some entropy above
