"""Selection and amount: the factorial by hand, and how settings are chosen."""

import numpy as np
import pytest

from utils.studies import decomposition
from utils.studies.decomposition import NETWORKS, factorial


def test_the_factorial_by_hand():
    """Accuracy .50 with neither, .56 with places, .48 with amount, .60 with both."""
    cells = np.array([[0.5, 0.5], [0.56, 0.56], [0.48, 0.48], [0.6, 0.6]])
    found = factorial(*cells)
    assert found.place.value == pytest.approx(((56 - 50) + (60 - 48)) / 2)
    assert found.amount.value == pytest.approx(((48 - 50) + (60 - 56)) / 2)
    assert found.interaction.value == pytest.approx((60 - 48) - (56 - 50))


def test_the_interaction_is_that_of_a_linear_model():
    """As an analysis of variance has it, seeds as blocks: least squares by NumPy."""
    rng = np.random.default_rng(0)
    none, place, amount, both = cells = rng.random((4, 20))
    codes = np.array([(p, a) for a in (-1, 1) for p in (-1, 1)])  # none, place, ...
    design = [
        (*np.eye(20)[seed], p, a, p * a) for (p, a) in codes for seed in range(20)
    ]
    fit, *_ = np.linalg.lstsq(np.array(design), 100 * cells.ravel(), rcond=None)
    found = factorial(none, place, amount, both)
    effects = [each.value for each in found]
    np.testing.assert_allclose(effects, fit[-3:] * (2, 2, 4), rtol=1e-9)


def test_every_network_has_several_settings_and_none_of_its_seeds():
    for each in NETWORKS:
        assert len(each.settings) >= 4
        assert len(each.seeds) == 2
        assert not set(each.seeds) & set(decomposition.SEEDS)
