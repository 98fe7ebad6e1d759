"""Families: drawn by seed alone, by the laws they state; refused in a sentence where they make no sense."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sciml import UsageError, family
from sciml.dataset import digest
from sciml.family import Family
from sciml.family.laws import GaussianField
from sciml.problem import Axis

sys.path.insert(0, str(Path(__file__).parents[1] / "problems"))
from tiny_learner import family as heat


def test_members_depend_on_seed_and_index_alone():
    a, b = heat(), heat()
    assert digest(a.draw("train", 3)) == digest(b.draw("train", 3))
    drawn = {digest(a.draw(split, i)) for split in family.SPLITS for i in range(20)}
    assert len(drawn) == 60  # no two members, of one split or of two, are the same
    assert digest(heat(seed=5).draw("train", 3)) != digest(a.draw("train", 3))


def test_the_shipped_families_are_what_the_script_says_and_share_no_member():
    from ensembles import FAMILIES

    for name, make in FAMILIES.items():
        shipped = family.read(Path(__file__).parents[1] / "problems" / f"{name}.h5")
        assert shipped.describe() == make().describe()
        seen = {split: {digest(shipped.draw(split, i)) for i in range(3)} for split in family.SPLITS}
        assert not (seen["train"] & seen["test"]) and not (seen["train"] & seen["valid"])


def test_numbers_follow_their_laws():
    lengths = np.array([heat().draw("train", i).grid.axes[0].length for i in range(400)])
    assert 1.0 <= lengths.min() < 1.02 and 1.98 < lengths.max() <= 2.0
    assert abs(lengths.mean() - 1.5) < 4 * np.sqrt(1 / 12 / 400)


def test_initial_data_are_the_formula_of_what_was_drawn():
    problem = heat().draw("train", 0)
    rng = np.random.default_rng([1, 0])
    drawn = {}
    for name, law in sorted(heat().description.random.items()):
        drawn[name] = law.draw(rng, ())
    x = problem.grid.axes[0].points()
    waves = drawn["A"] * np.sin(2 * np.pi * drawn["m"] * x[:, None] / drawn["L"] + drawn["phi"])
    np.testing.assert_allclose(problem.initial()[0], waves.sum(1), atol=1e-14)


@pytest.mark.parametrize("boundary", ["periodic", "neumann", "dirichlet"])
def test_a_gaussian_field_has_the_stated_covariance(boundary):
    law = GaussianField(law="gaussian-field", amplitude="1/(1 + k**2)", boundary=boundary, modes=6)
    axis = Axis("x", 0.0, 2.0, 32)
    rng, x = np.random.default_rng(0), axis.points()
    draws = np.stack([law.draw(rng, [axis]).on([32]) for _ in range(4000)])
    m = np.arange(1, 7)
    if boundary == "periodic":
        k = np.pi * m
        exact = (1 / (1 + k**2) ** 2 * np.cos(k * (x[:, None, None] - x[None, :, None]))).sum(-1)
    else:
        k, wave = np.pi / 2 * m, {"neumann": np.cos, "dirichlet": np.sin}[boundary]
        exact = ((1 / (1 + k**2) ** 2) * wave(k * x[:, None, None]) * wave(k * x[None, :, None])).sum(-1)
    assert np.abs(draws.T @ draws / 4000 - exact).max() < 0.08 * np.abs(exact).max()


def test_a_gaussian_field_is_the_same_at_every_resolution():
    law = GaussianField(law="gaussian-field", amplitude="(k**2 + 9)**(-1)", boundary="neumann", modes=8)
    axes = [Axis(n, 0.0, 1.0, 17, "dirichlet") for n in "xy"]
    field = law.draw(np.random.default_rng(0), axes)
    np.testing.assert_allclose(field.on([17, 17]), field.on([33, 33])[::2, ::2], atol=1e-13)


def test_round_trip_and_same_bytes(tmp_path):
    family.write(tmp_path / "a.h5", heat())
    family.write(tmp_path / "b.h5", family.read(tmp_path / "a.h5"))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert family.is_family(tmp_path / "a.h5")
    from sciml.files.problem_file import read as read_problem

    with pytest.raises(UsageError, match="describes a family of problems"):
        read_problem(tmp_path / "a.h5")


SPLIT = {"count": 1, "end": 1.0, "times": 2}


@pytest.mark.parametrize(("change", "sentence"), [
    ({"splits": {"train": {"seed": 1, **SPLIT}}}, "splits must be"),
    ({"splits": {s: {"seed": 1, **SPLIT} for s in family.SPLITS}}, "two splits have one seed"),
    ({"splits": {s: {"seed": i, "count": 1} for i, s in enumerate(family.SPLITS)}}, "needs end and times"),
    ({"initial": {"u": "sum(B[i]*x)"}}, "B"),
    ({"initial": {"u": "1/(x - x)"}}, "not finite"),
    ({"initial": {"u": "d_x(x)"}}, "no meaning"),
    ({"random": {"u": {"law": "normal"}}}, "two meanings"),
    ({"random": {"q": {"law": "poisson"}}}, "random"),
    ({"axes": [{"name": "x", "lower": 0.0, "upper": "Q", "size": 16}]}, "Q"),
    ({"nonsense": 1}, "nonsense"),
    ({
        "random": {
            "g": {"law": "gaussian-field", "amplitude": "1/(k - k)", "boundary": "periodic"},
            "L": {"law": "uniform", "lower": 1.0, "upper": 2.0},
        }, "initial": {"u": "g"},
    }, "amplitude"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(change, sentence):
    with pytest.raises(UsageError, match=sentence):
        heat(**change)


def test_a_family_from_another_file_is_refused(tmp_path):
    (tmp_path / "a.h5").write_text("no")
    with pytest.raises(UsageError, match="not an HDF5 file"):
        family.read(tmp_path / "a.h5")
    with pytest.raises(UsageError, match="describes one problem"):
        family.read(Path(__file__).parents[1] / "problems" / "burgers.h5")
    assert isinstance(heat(), Family)
