"""Symmetries against the equations that have them, and against slow versions of themselves."""

import numpy as np
import pytest
import torch

from pare.config.hyperparameters import TrainingConfig
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.models.symmetries import SYMMETRIES, Symmetries
from pare.paper.simulators.burgers import solve_burgers
from pare.paper.simulators.darcy_flow import draw_coefficient, solve_darcy
from pare.paper.simulators.diffusion_reaction_1d import solve_diffusion_reaction

GRIDS = {"square": (6, 6), "shift": (12,), "torus": (4, 6), "reflection": (12,)}


def draws(rows):
    return Draws(Generators(torch.device("cpu"), 0), rows)


def changes(name):
    return range(SYMMETRIES[name].count(GRIDS[name]))


@pytest.mark.parametrize("name", SYMMETRIES)
def test_each_change_is_undone_and_differs_from_the_others(name):
    field, symmetry = torch.rand(3, 2, *GRIDS[name]), SYMMETRIES[name]
    changed = [symmetry.apply(field, number) for number in changes(name)]
    assert torch.equal(changed[0], field)
    assert all(torch.equal(symmetry.undo(found, number), field) for number, found in enumerate(changed))
    assert len({tuple(found.flatten().tolist()) for found in changed}) == len(changed)


@pytest.mark.parametrize("number", changes("square"))
def test_a_changed_coefficient_of_darcy_flow_has_the_changed_pressure(number):
    coefficient = draw_coefficient(33, np.random.default_rng(0))
    change = SYMMETRIES["square"].apply
    found = solve_darcy(change(torch.from_numpy(coefficient), number).numpy())
    np.testing.assert_allclose(found, change(torch.from_numpy(solve_darcy(coefficient)), number), atol=1e-9)


def reacted(u):
    return solve_diffusion_reaction(u[None], 2, 0.1, length=1.0, nu=0.5, rho=1.0)[0, -1]


def burgers(u):
    return solve_burgers(u, np.array([0.0, 0.1]), 1.0, 0.01)[-1]


@pytest.mark.parametrize(
    ("solve", "name", "number"),
    [(reacted, "shift", 5), (reacted, "reflection", 1), (burgers, "shift", 5), (burgers, "shift", 31)],
)
def test_a_changed_state_of_a_periodic_line_has_the_changed_future(solve, name, number):
    x = (np.arange(64) + 0.5) / 64
    state = 0.4 + 0.3 * np.sin(2 * np.pi * x) + 0.2 * np.cos(6 * np.pi * x + 1)
    change = SYMMETRIES[name].apply
    found = solve(change(torch.from_numpy(state), number).numpy())
    np.testing.assert_allclose(found, change(torch.from_numpy(solve(state).copy()), number), atol=1e-7)


def test_input_and_output_are_changed_alike_and_coordinates_stay():
    values = torch.rand(40, 1, 6, 6)
    places = torch.rand(1, 2, 6, 6).expand(40, 2, 6, 6)
    x, y = Symmetries(("square",), coordinates=2).drawn(torch.cat([values, places], 1), 3 * values, draws(40))
    assert torch.equal(x[:, 1:], places)
    assert torch.equal(3 * x[:, :1], y)
    changed = [SYMMETRIES["square"].apply(values, number) for number in range(8)]
    used = [next(n for n, one in enumerate(changed) if torch.equal(one[row], x[row, :1])) for row in range(40)]
    assert set(used) == set(range(8))


@pytest.mark.parametrize("names", [("square",), ("shift",), ("torus",), ("shift", "reflection")])
def test_an_averaged_prediction_has_the_symmetry_that_the_network_lacks(names):
    grid = GRIDS[names[0]]
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(int(np.prod(grid))), torch.nn.Tanh())
    symmetries, x = Symmetries(names), torch.rand(2, 1, *grid)

    def averaged(x):
        return symmetries.averaged(lambda changed: network(changed).view(-1, 1, *grid), x, most=24)

    before = averaged(x)
    for name in names:
        for number in changes(name):
            changed = averaged(SYMMETRIES[name].apply(x, number))
            torch.testing.assert_close(changed, SYMMETRIES[name].apply(before, number))


def test_of_many_changes_some_that_are_evenly_spread_are_averaged():
    seen = []
    Symmetries(("shift",)).averaged(lambda x: seen.append(int(x.argmax())) or x, torch.eye(12)[:1, None], most=4)
    assert seen == [0, 3, 6, 9]


def test_evenly_spread_shifts_of_a_plane_go_over_all_of_it():
    seen, plane = [], torch.zeros(1, 1, 16, 32)
    plane[..., 0, 0] = 1
    Symmetries(("torus",)).averaged(lambda x: seen.append(divmod(int(x.argmax()), 32)) or x, plane, most=8)
    assert seen == [(0, 0), (2, 6), (4, 12), (6, 18), (8, 24), (10, 30), (12, 4), (14, 10)]


@pytest.mark.parametrize("name", SYMMETRIES)
def test_units_are_those_of_all_changes_of_all_rows(name):
    rows = torch.rand(50, 2, *GRIDS[name], dtype=torch.float64) + torch.arange(GRIDS[name][-1])
    mean, scale = Symmetries((name,)).units(rows.mean(0), rows.std(0, correction=0))
    everything = torch.cat([SYMMETRIES[name].apply(rows, number) for number in changes(name)])
    torch.testing.assert_close(mean, everything.mean(0))
    torch.testing.assert_close(scale, everything.std(0, correction=0))


def test_without_symmetries_nothing_changes():
    x, y = torch.rand(2, 1, 6, 6), torch.rand(2, 1, 6, 6)
    none = Symmetries(())
    assert not none
    assert all(torch.equal(a, b) for a, b in zip(none.drawn(x, y, draws(len(x))), (x, y), strict=True))
    assert torch.equal(none.averaged(torch.sin, x), torch.sin(x))


def test_yaml_may_name_exactly_the_symmetries_that_there_are():
    for name in SYMMETRIES:
        assert TrainingConfig(epochs=1, batch_size=1, learning_rate=1, symmetries=(name,)).symmetries == (name,)
    with pytest.raises(ValueError, match="symmetries"):
        TrainingConfig(epochs=1, batch_size=1, learning_rate=1, symmetries=("mirror",))


@pytest.mark.parametrize(("names", "grid", "count"), [(("square",), (6, 6), 8), (("shift", "reflection"), (12,), 8)])
def test_copies_of_a_row_are_all_its_positions_input_and_output_alike(names, grid, count):
    x = torch.rand(3, 2, *grid)
    copies, outputs = Symmetries(names).copies(x, 2 * x[:, :1], most=4 if len(names) == 2 else 8)
    assert len(copies) == 3 * count
    assert torch.equal(copies[:3], x)
    assert torch.equal(outputs, 2 * copies[:, :1])
    assert len({tuple(row.flatten().tolist()) for row in copies}) == len(copies)


def test_coordinates_stay_in_every_copy():
    x = torch.cat([torch.rand(3, 1, 6, 6), torch.rand(1, 2, 6, 6).expand(3, -1, -1, -1)], 1)
    copies, _ = Symmetries(("square",), coordinates=2).copies(x, x[:, :1], most=8)
    assert torch.equal(copies[:, 1:], x[:1, 1:].expand(24, -1, -1, -1))
