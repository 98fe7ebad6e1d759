"""Transport problems: what is refused in one sentence, what a file keeps, what changes a hash."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from sciml import Measure, Transport
from sciml.errors import UsageError
from sciml.files import problem_file
from sciml.files.spec_file import read_spec
from sciml.transport import file
from sciml.transport.problem import UniformCosts
from sciml.transport.reference import TransportReference, read_reference
from sciml.transport.routes import task_of

ROOT = Path(__file__).parents[2]
HALF = np.full(2, 0.5)
X = np.array([[0.0, 0.0], [1.0, 0.0]])
MATRIX = np.array([[0.0, 1.0], [1.0, 0.0]])


def points(**more):
    return Transport("two", Measure(HALF, X), Measure(HALF, X + 1), **({"eps": 0.1, "cost": "euclidean"} | more))


def given(matrix=MATRIX, r=HALF, c=HALF, eps=0.1, **more):
    return Transport("given", Measure(r), Measure(c), eps=eps, matrix=matrix, **more)


def grids(**more):
    axis = np.linspace(0, 1, 5)
    weights = np.arange(1.0, 26).reshape(5, 5)
    return Transport("grids", Measure(weights, axes=(axis, axis)), Measure(weights.T, axes=(axis, axis)), 0.1, "l1", **more)


BAD = {
    "negative entries": lambda: Measure(np.array([0.5, -0.5])),
    "not finite": lambda: Measure(np.array([0.5, np.nan])),
    "all zero": lambda: Measure(np.zeros(3)),
    "not of shape (2, 1)": lambda: Measure(np.ones((2, 1))),
    "3 points and 2 weights": lambda: Measure(HALF, np.zeros((3, 1))),
    "coordinates that are not finite": lambda: Measure(HALF, np.array([[0.0], [np.inf]])),
    "the axes have [2, 3] points": lambda: Measure(np.ones((2, 2)), axes=(np.zeros(2), np.zeros(3))),
    "not on both": lambda: Measure(np.ones((2, 2)), np.zeros((2, 1)), (np.zeros(2), np.zeros(2))),
    "eps must be a finite number above 0, not 0.0": lambda: points(eps=0.0),
    "above 0, not nan": lambda: points(eps=float("nan")),
    "masses, 1 and 2; with normalise=True": lambda: given(c=2 * HALF),
    "(NaN or infinity)": lambda: given(MATRIX * np.nan),
    "has shape (2, 3)": lambda: given(np.zeros((2, 3))),
    "no cost 'eucldean'; did you mean 'euclidean'?": lambda: points(cost="eucldean"),
    "either a cost is named or a matrix": lambda: Transport("x", Measure(HALF), Measure(HALF), 0.1),
    "needs points or grids": lambda: Transport("x", Measure(HALF), Measure(HALF, X), 0.1, "l1"),
    "the source has 2 coordinates, the target 1": lambda: Transport("x", Measure(HALF, X), Measure(HALF, X[:, 0]), 0.1, "l1"),
    "a matrix of 20000 x 20000 costs is too large; name": lambda: given(UniformCosts(0), np.full(20_000, 5e-5), np.full(20_000, 5e-5)),
    "weights without places": lambda: Transport("x", Measure(HALF, X), Measure(HALF), 0.1, matrix=MATRIX),
    "needs places": lambda: given().within(),
    "path=separable needs both measures on grids": lambda: task_of(points(), "separable"),
    "path=streaming makes costs from places": lambda: task_of(given(), "streaming"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_requests_get_one_sentence(sentence):
    with pytest.raises(UsageError) as error:
        BAD[sentence]()
    text = str(error.value)
    assert sentence in text and text.endswith((".", "?")) and "\n" not in text


def test_unequal_masses_are_taken_where_normalising_is_asked():
    problem = given(c=2 * HALF, normalise=True)
    assert problem.mass == 1.0 and [w.sum() for w in problem.weights] == [1.0, 1.0]
    assert given(r=3 * HALF, c=3 * HALF).mass == 3.0


@pytest.mark.parametrize("problem", [
    points(title="t", about="a"), given(), grids(normalise=True), given(UniformCosts(7)), given(r=np.array([200.0, 55.0]), c=np.array([254.0, 1.0])),
])  # fmt: skip
def test_a_file_keeps_everything(problem, tmp_path):
    file.write(tmp_path / "a.h5", problem)
    back = file.read(tmp_path / "a.h5")
    assert back.content_hash == problem.content_hash and back.describe() == problem.describe()
    assert back.source.text() == problem.source.text() and read_reference(tmp_path / "a.h5") is None
    file.write(tmp_path / "b.h5", back, TransportReference(1.0, 0.5, 1e-9, "m", 0.4, 1e-10, {"other": 1e-12}))
    assert read_reference(tmp_path / "b.h5").checks == {"other": 1e-12}
    file.write(tmp_path / "c.h5", back, read_reference(tmp_path / "b.h5"))
    assert (tmp_path / "b.h5").read_bytes() == (tmp_path / "c.h5").read_bytes()


def test_weights_that_are_bytes_are_stored_as_bytes(tmp_path):
    file.write(tmp_path / "a.h5", grids())
    with h5py.File(tmp_path / "a.h5") as f:
        assert f["sciml/source/weights"].dtype == np.uint8
        about = json.loads(f["sciml/transport"].asstr()[()])
    assert "eta = 1/eps" in about["convention"] and about["cost"] == "l1"


def test_the_hash_is_that_of_what_is_asked():
    same = {points().content_hash, points(title="other").content_hash, replace(points(), name="b").content_hash}
    assert len(same) == 1 and points(cost="sqeuclidean").cost == "squared euclidean"
    others = [points(eps=0.2), points(cost="l1"), given(), given(2 * MATRIX), given(UniformCosts(0)), given(UniformCosts(1)), grids(), grids(normalise=True)]
    assert len({p.content_hash for p in others} | same) == 9


def test_drawn_costs_are_the_words_of_the_generator_and_checked(tmp_path):
    matrix = UniformCosts(3).draw(4, 5)
    assert np.array_equal(matrix, np.random.default_rng(3).random((4, 5)))  # today's numpy draws them so too
    file.write(tmp_path / "a.h5", given(UniformCosts(7)))
    with h5py.File(tmp_path / "a.h5", "r+") as f:
        about = json.loads(f["sciml/transport"].asstr()[()])
        about["drawn"]["seed"] = 8
        del f["sciml/transport"]
        from sciml.files.hdf5 import write_json

        write_json(f["sciml"], "transport", about)
    with pytest.raises(UsageError, match="not those the file was written for"):
        file.read(tmp_path / "a.h5")


@pytest.mark.parametrize(("change", "sentence"), [
    ({"convention": "P = exp(C)"}, "its convention is not the one known here"), ({"eps": "1"}, "/sciml/transport, eps"),
    ({"surprise": 1}, "/sciml/transport, surprise"), ({"eps": -1.0}, "eps must be"),
])  # fmt: skip
def test_a_file_that_says_something_else_is_refused(change, sentence, tmp_path):
    from sciml.files.hdf5 import write_json

    file.write(tmp_path / "a.h5", points())
    with h5py.File(tmp_path / "a.h5", "r+") as f:
        about = json.loads(f["sciml/transport"].asstr()[()]) | change
        del f["sciml/transport"]
        write_json(f["sciml"], "transport", about)
    with pytest.raises(UsageError, match=sentence) as error:
        file.read(tmp_path / "a.h5")
    assert str(error.value).startswith(str(tmp_path / "a.h5"))


def test_other_readers_say_what_it_is(tmp_path):
    file.write(tmp_path / "a.h5", points())
    with pytest.raises(UsageError, match="holds a transport problem"):
        problem_file.read(tmp_path / "a.h5")
    with pytest.raises(UsageError, match="holds no transport problem"):
        file.read(ROOT / "problems/lorenz.h5")
    (tmp_path / "a.toml").write_text('kind = "transport"\ncost = "l1"\n')
    with pytest.raises(UsageError, match="make such a problem in Python"):
        read_spec(tmp_path / "a.toml")


def test_shipped_problems_are_small_sound_and_have_certified_references():
    paths = sorted((ROOT / "problems").glob("transport-*.h5"))
    assert len(paths) == 6
    for path in paths:
        problem, reference = file.read(path), read_reference(path)
        assert path.stat().st_size < 300_000 and problem.name == path.stem
        assert reference.error < 1e-10 and reference.exact_error < 1e-9
        assert 0 < reference.exact <= reference.cost * (1 + 1e-9) and reference.cost < reference.value
