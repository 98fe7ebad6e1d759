"""The solvers of transport problems: what they find, where they stop, what they refuse."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from sciml_classical.transport import ExactTransport, Sinkhorn
from sciml_sinkhorn_newton.solver import LightBridge, SinkhornNewton
from scipy.optimize import linear_sum_assignment
from small_problems import small_ks

from sciml import Measure, Run, Status, Transport, registry
from sciml.errors import RunFailed, Stopped, UsageError
from sciml.solver import Solves
from sciml.solving.transport import solve_transport
from sciml.transport import TransportSolution, TransportSolver, result
from sciml.transport.problem import UniformCosts
from sciml.transport.routes import task_of
from sciml.transport.scoring import measured


def cloud(n, seed, d=2):
    rng = np.random.default_rng(seed)
    weights = rng.random(n) + 0.1
    return Measure(weights / weights.sum(), rng.random((n, d)))


def between(cost="squared euclidean", eps=0.02, n=40):
    return Transport("clouds", cloud(n, 1), cloud(n + 10, 2), eps, cost)


def assignment(n=100, eps=1 / 600):
    uniform = Measure(np.full(n, 1.0 / n))
    return Transport("lap", uniform, uniform, eps, matrix=UniformCosts(0))


def pixels(cost="l1"):
    rng, axis = np.random.default_rng(3), np.linspace(0, 0.5, 8)
    first, second = (Measure(np.rint(rng.uniform(1, 255, (8, 8))), axes=(axis, axis)) for _ in range(2))
    return Transport("pixels", first, second, 1 / 200, cost, normalise=True)


def scored(solver, problem, run=None):
    solution = solver.transport(problem, run or Run())
    solution.check(problem)
    return solution, measured(problem, solution, task_of(problem))[0]


@pytest.mark.parametrize("problem", [between(), between("euclidean"), between("l1"), assignment(eps=1 / 150), pixels(), pixels("squared euclidean"), pixels("euclidean")])
def test_two_routes_agree_within_their_certified_gaps(problem):
    (ours, one), (_, two) = (scored(s, problem) for s in (SinkhornNewton(tolerance=1e-11), Sinkhorn(tolerance=1e-10)))
    assert ours.status is Status.OK and one.gap < 1e-7 and two.gap < 1e-6
    assert one.lower <= two.upper and two.lower <= one.upper
    assert one.lower == pytest.approx(two.lower, rel=1e-10) and one.marginal_error < 1e-10


def test_every_path_gives_the_same_answer():
    found = [scored(SinkhornNewton(path=path, tolerance=1e-12), pixels())[1] for path in ("separable", "dense", "streaming")]
    assert [f.lower for f in found[1:]] == pytest.approx([found[0].lower] * 2, rel=1e-13)
    assert SinkhornNewton(path="streaming").cannot(assignment()) == ["path=streaming makes costs from places, and here they are a matrix"]
    assert "needs both measures on grids" in Sinkhorn(path="separable").cannot(between())[0]


def test_options_change_the_way_and_not_the_answer():
    base, plain = scored(SinkhornNewton(tolerance=1e-11), assignment())
    for options in ({"anneal": 1.0}, {"switch": 15}, {"start": 10.0, "anneal": 4.0}):
        solution, scores = scored(SinkhornNewton(tolerance=1e-11, **options), assignment())
        assert solution.cost != base.cost and scores.lower == pytest.approx(plain.lower, rel=1e-11)
    assert base.cost["levels"] > 1 and base.cost["newton"] > 0


def test_as_eps_falls_the_entropic_plan_tends_to_the_exact_one():
    pytest.importorskip("ot")
    exact, scores = scored(ExactTransport(), assignment())
    costs = assignment().costs
    assert scores.cost == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=1e-12)
    assert exact.eps == 0 and scores.gap < 1e-10 and scores.marginal_error < 1e-12
    above = [scored(SinkhornNewton(), assignment(eps=eps))[1].cost - scores.cost for eps in (1 / 300, 1 / 3000)]
    assert above[0] > above[1] > 0


def test_distances_are_those_of_the_cost(transport_plugin):
    from sciml_sinkhorn_newton.distances import divergence, wasserstein

    for cost, name, p in (("euclidean", "W1", 1), ("squared euclidean", "W2", 2)):
        problem = between(cost)
        solution, scores = scored(SinkhornNewton(tolerance=1e-11, divergence=True), problem)
        r, c = problem.source, problem.target
        assert scores.distance[name] == pytest.approx(wasserstein(r.weights, r.points, c.weights, c.points, p, problem.eps), rel=1e-6)
        assert solution.numbers["Sinkhorn divergence"] == pytest.approx(divergence(task_of(problem), problem.eps).value, rel=1e-6)
    grids = pixels()
    assert scored(SinkhornNewton(divergence=True), replace(grids, target=grids.source))[0].numbers["Sinkhorn divergence"] == pytest.approx(0, abs=1e-12)
    assert scored(SinkhornNewton(), grids)[1].distance == {}
    assert "needs places" in SinkhornNewton(divergence=True).cannot(assignment())[0]


def test_a_bridge_learns_the_plan_of_its_samples():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) * [0.5, 1.5] + [1.0, 0.0]
    equal = np.full(300, 1 / 300)
    problem = Transport("gauss", Measure(equal, first), Measure(equal, second), 1.0, "squared euclidean")
    best = scored(SinkhornNewton(), problem)[1]
    solution, scores = scored(LightBridge(components=1), problem)
    assert best.lower - 0.05 * best.lower < scores.lower < best.lower and scores.column_error < 1e-12
    assert solution.history["bridge_means"].shape == (1, 2) and solution.cost["parameters"] == 9.0
    heavy = Transport("w", Measure(np.r_[equal[:299], 0.0], first), Measure(equal * 299 / 300, second), 1.0, "squared euclidean")
    less = Transport("l", Measure(equal[:299], first[:299]), Measure(equal * 299 / 300, second), 1.0, "squared euclidean")
    one, two = (scored(LightBridge(components=1), p)[1] for p in (heavy, less))
    assert one.lower == pytest.approx(two.lower, rel=1e-9)  # weights count, not only points
    assert "is more than the 300 places" in LightBridge(components=400).cannot(problem)[0]
    assert LightBridge().cannot(between("l1")) == ["it does not take the cost l1"]


def test_it_says_why_it_stopped():
    for solver in (SinkhornNewton(limit=20), Sinkhorn(sweeps=15)):
        solution, scores = scored(solver, assignment())
        assert solution.status is Status.INACCURATE and solution.message.startswith("the limit of")
        assert f"{scores.marginal_error:.1e}" in solution.message and 0 < scores.gap < 10


@pytest.mark.parametrize("solver", [SinkhornNewton(tolerance=1e-11), Sinkhorn(tolerance=1e-9)])
def test_a_spent_budget_can_be_resumed(solver, tmp_path, monkeypatch):
    problem, seen, kept = assignment(eps=1 / (600 if isinstance(solver, SinkhornNewton) else 200)), [], {}

    class Enough(Run):
        def step(self, fraction, state=None, note=""):
            seen.append(fraction)
            if len(seen) == 1200 or (len(seen) > 20 and "Newton" in note):
                kept.update(state())
                self.save(kept)
                raise Stopped("enough")

    with pytest.raises(Stopped):
        solver.transport(problem, Enough(folder=tmp_path))
    resumed, whole = solver.transport(problem, Run(folder=tmp_path)), solver.transport(problem, Run())
    assert resumed.status is whole.status is Status.OK and 0 <= min(seen) <= max(seen) < 1
    if isinstance(solver, Sinkhorn):
        assert np.array_equal(resumed.phi, whole.phi) and resumed.cost["sweeps"] == whole.cost["sweeps"]
    else:
        assert abs(resumed.cost["work"] - whole.cost["work"]) < kept["work"] / 2  # what was done counts, and once
        assert np.abs(resumed.phi - whole.phi).max() < 1e-8


def test_a_cell_is_solved_once_and_its_file_keeps_everything(transport_plugin, tmp_path):
    found, path = solve_transport(assignment(40), "sinkhorn-newton", store=tmp_path)
    back = result.read(path)
    assert np.array_equal(back.solution.phi, found.solution.phi) and back.scores == found.scores
    assert back.solution.message == "the error is below 1e-09" and back.problem.content_hash == found.problem.content_hash
    assert back.provenance["kernels"] == {"transport": task_of(assignment(40)).geometry.path}
    assert back.solution.history["marginal_error"][-1] <= 1e-9 and back.solution.plan.left_out < 1e-6
    assert back.solution.plan.value.sum() + back.solution.plan.left_out == pytest.approx(1.0, abs=1e-9)
    changed = path.stat().st_mtime_ns
    again, _ = solve_transport(assignment(40), "sinkhorn-newton", store=tmp_path)
    assert path.stat().st_mtime_ns == changed and again.cell == found.cell
    other, _ = solve_transport(assignment(40), "sinkhorn-newton", options={"tolerance": 1e-6}, store=tmp_path)
    assert other.cell != found.cell


def test_only_solvers_of_the_kind_are_asked(transport_plugin):
    assert registry.able(between()) == ["exact-transport", "light-sb", "sinkhorn", "sinkhorn-newton"]
    etdrk4 = registry.get_solver("etdrk4").build(precision="extended")
    with pytest.raises(UsageError, match="does not solve problems of kind transport; solvers that can: exact-transport"):
        registry.require_able(etdrk4, between())
    assert registry.reasons(SinkhornNewton(), small_ks())[0] == "it does not solve problems of kind evolution"
    with pytest.raises(RunFailed, match="answers transport problems"):
        SinkhornNewton().solve(small_ks(), Run())


def test_exact_transport_without_pot_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(UsageError, match=r"needs POT: pip install 'sciml-toolkit\[transport\]'\.$"):
        ExactTransport().transport(between(), Run())


class Wrong(TransportSolver):
    """Returns whatever it is told to."""

    name = "wrong"
    solves = Solves(kind={"transport"}, cost={"squared euclidean"}, form={"points"})

    def transport(self, problem, run):
        return ANSWER[0]


ANSWER: list[TransportSolution] = []
ZERO = np.zeros(40), np.zeros(50)


@pytest.mark.parametrize(("answer", "sentence"), [
    (TransportSolution(*ZERO, 0.5), "answered at eps = 0.5, asked was 0.02"), (TransportSolution(*ZERO, 0.0), "returned no plan"),
    (TransportSolution(ZERO[1], ZERO[0], 0.02), "phi is float64(50,), expected float64(40,)"),
    (TransportSolution(ZERO[0] + np.nan, ZERO[1], 0.02), "phi has entries that are not finite"),
    (TransportSolution(ZERO[0] + 1e9, ZERO[1], 0.02), "plan is not finite"),
])  # fmt: skip
def test_the_core_checks_what_comes_back(answer, sentence, monkeypatch, tmp_path):
    mine = registry.Plugin("wrong", "tests", "0", "wrong", [Wrong])
    everything = (*registry.plugins(), mine)
    monkeypatch.setattr(registry, "plugins", lambda: everything)
    ANSWER[:] = [answer]
    with pytest.raises(RunFailed) as error:
        solve_transport(between(), Wrong(), store=tmp_path)
    assert sentence in str(error.value)


def test_bad_potentials_have_a_bad_score_not_a_good_claim(monkeypatch, tmp_path):
    solution, scores = scored(SinkhornNewton(), between())
    lazy = replace(solution, psi=solution.psi + 0.01 * np.sin(np.arange(50.0)), message="all is well")
    found = measured(between(), lazy, task_of(between()))[0]
    assert found.marginal_error > 0.05 and found.gap > 1e-3 and found.lower < scores.lower
