"""W1 between attractors: exact distances of samples, what is sampled, and the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_problems import small_ks, small_ode

from sciml import Axis, Grid
from sciml.errors import UsageError
from sciml.files import problem_file
from sciml.metrics.attractor_distance import attractor_distance, observable, pooled, sampled
from sciml.numerics.transport.assignment import wasserstein_between_samples
from sciml.reference.values import Reference
from sciml.scoring.problem import score
from sciml.solution import Solution


def test_distances_between_samples_are_exact():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=100), rng.normal(size=100)
    assert wasserstein_between_samples(x, y) == pytest.approx(np.abs(np.sort(x) - np.sort(y)).mean(), rel=1e-12)
    assert wasserstein_between_samples(x, y, 2) ** 2 == pytest.approx(((np.sort(x) - np.sort(y)) ** 2).mean(), rel=1e-12)
    cloud = rng.normal(size=(50, 3))
    assert wasserstein_between_samples(cloud, rng.permutation(cloud) + np.array([3.0, 0.0, -4.0])) == pytest.approx(5.0, rel=1e-12)
    for bad, sentence in (((x, y[:9]), "one size"), ((x, y, 3), "order 1 or 2")):
        with pytest.raises(UsageError, match=sentence):
            wasserstein_between_samples(*bad)


def noise(problem, times=400, seed=0, scale=1.0):
    """A stationary process without memory: its halves are independent samples."""
    grid = Grid(problem.grid.axes, np.linspace(0.0, 1.0, times))
    rng, fields = np.random.default_rng(seed), problem.equation.fields
    return replace(problem, grid=grid, lyapunov=1.0), {n: scale * rng.normal(size=(times, *problem.shape)) for n in fields}


def test_it_tells_other_attractors_from_the_same_one():
    problem, exact = noise(small_ode())
    _, alike = noise(small_ode(), seed=1)
    _, wider = noise(small_ode(), seed=1, scale=1.5)
    same, again, other = (attractor_distance(problem, values, exact) for values in (exact, alike, wider))
    assert same["distance"] == 0.0 and same["observable"] == "(x, y)" and same["samples"] == 100
    assert 0.5 * same["floor"] < again["distance"] < 1.5 * same["floor"] < other["distance"]
    assert again["floor"] == same["floor"]
    scaled = attractor_distance(problem, {"x": alike["x"], "y": 1e3 * alike["y"]}, {"x": exact["x"], "y": 1e3 * exact["y"]})
    assert scaled["distance"] == pytest.approx(again["distance"], rel=1e-9)  # units do not matter


def test_of_a_field_derivatives_are_sampled_too():
    problem = replace(small_ks(), lyapunov=1.0, grid=Grid((Axis("x", 0.0, 2 * np.pi, 32),), np.linspace(0, 1, 40)))
    x = problem.grid.axes[0].points()
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, 40)[:, None]
    exact = {"u": np.cos(3 * x + phases)}
    assert observable(problem) == "(u, u_x, u_xx)"
    assert attractor_distance(problem, {"u": np.cos(3 * x + phases + 1.0)}, exact)["distance"] < 0.35  # moved along itself
    slow = attractor_distance(problem, {"u": np.cos(2 * x + phases)}, exact)  # the same values, other derivatives
    assert slow["distance"] > 0.35 and slow["distance"] > 2 * slow["floor"]


def test_only_chaotic_problems_have_one_and_only_up_to_the_time_reached():
    assert not sampled(small_ks()) and not sampled(small_ode()) and sampled(replace(small_ode(), lyapunov=0.9))
    problem, exact = noise(small_ode())
    reference = Reference(exact, dict.fromkeys(exact, 1e-9), {n: np.zeros(400) for n in exact}, "m")
    assert score(problem, Solution(exact), reference).attractor["distance"] == 0.0
    assert score(replace(problem, lyapunov=None), Solution(exact), reference).attractor == {}
    assert score(problem, Solution(exact, reached=0.5), reference).attractor == {}
    part = {name: np.where(np.linspace(0, 1, 400) <= 0.75, values, np.nan) for name, values in exact.items()}
    assert score(problem, Solution(part, reached=0.75), reference).attractor["distance"] == 0.0


def test_the_commands_print_it_beside_its_floor(tmp_path, cli):
    problem = replace(small_ode(), lyapunov=0.9, grid=Grid((), np.linspace(0.0, 60.0, 601)))
    problem_file.write(tmp_path / "a.h5", problem)
    assert cli("reference", tmp_path / "a.h5", "--build").code == 0
    out = cli("solve", tmp_path / "a.h5", "-s", "dop853", "--store", tmp_path / "s").out
    assert "attractor   W1 of (x, y) to the reference's" in out and "below the floor" in out
    table = cli("compare", tmp_path / "a.h5", "--solvers", "dop853", "--store", tmp_path / "s").out
    assert "attractor W1" in table and "its floor" in table


def test_members_of_a_family_are_taken_together():
    runs = [noise(small_ode(), times=60, seed=k) for k in range(6)]
    problems, exact = zip(*runs, strict=True)
    alike = [noise(small_ode(), times=60, seed=10 + k)[1] for k in range(6)]
    kept = [np.ones(60, dtype=bool)] * 6
    found = pooled(problems, alike, exact, kept)
    assert found["samples"] == 180 and 0.6 * found["floor"] < found["distance"] < 1.4 * found["floor"]
    moved = [{name: values + 1.0 for name, values in fields.items()} for fields in exact]
    assert pooled(problems, moved, exact, kept)["distance"] == pytest.approx(np.sqrt(2.0), rel=0.05)
    early = [kept[0], *[np.zeros(60, dtype=bool)] * 5]
    lost = [alike[0], *({n: v * np.nan for n, v in fields.items()} for fields in alike[1:])]
    assert np.isfinite(pooled(problems, lost, exact, early)["distance"])  # what was not reached does not count


@pytest.mark.parametrize("kind", ["waves", "orbits"])
def test_results_of_chaotic_families_have_it(kind, tmp_path):
    import tiny_dynamics
    import tiny_learner

    from sciml.dataset import make
    from sciml.scoring.family import score_family
    from sciml.showing.family import score_lines

    family = {"waves": tiny_learner, "orbits": tiny_dynamics}[kind].family(lyapunov=0.5)
    data = make(family, "test", tmp_path)
    reached = [float(data.times[-1])] * data.count
    same = score_family(data.values, {}, reached, data)
    other = score_family({name: values + 1.0 for name, values in data.values.items()}, {}, reached, data)
    assert same["attractor"]["distance"] == 0.0 < same["attractor"]["floor"] < other["attractor"]["distance"] * 20
    assert other["attractor"]["distance"] > 0.1
    assert any(line.startswith("attractor   W1 of (") for line in score_lines(same))
    calm = {"waves": tiny_learner, "orbits": tiny_dynamics}[kind].family(lyapunov=None)
    assert not score_family(data.values, {}, reached, make(calm, "test", tmp_path)).get("attractor")
