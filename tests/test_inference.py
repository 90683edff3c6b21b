"""Differences between arms: intervals, tests, equivalence.

By hand, in the limits, against published worked examples and other implementations,
and on simulated runs whose answer is known.
"""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from utils.inference import (
    difference_over_seeds_and_images,
    equivalence,
    holm,
    paired_difference,
    sign_flip_test,
)

# Darwin's 15 pairs of maize plants, crossed minus self-fertilised, eighths of an inch
# (Fisher 1935, chapter III): t = 2.148, and 1726 of 32768 patterns of signs have sums
# as far from 0.
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
COMPARISONS = {
    "paired_difference": paired_difference,
    "sign_flip_test": sign_flip_test,
    "equivalence": lambda arm, control: equivalence(arm, control, 0.01),
}


# --- Pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [2, 8, 20])
def test_pairs_have_the_interval_of_scipys_paired_t_test(pairs):
    arm, control = np.random.default_rng(2).normal(size=(2, pairs))
    found = paired_difference(arm, control)
    expected = stats.ttest_rel(arm, control).confidence_interval(0.95)
    assert found[:3] == pytest.approx((np.mean(arm - control), *expected))
    assert found.basis == f"{pairs} pairs"


def test_with_eight_pairs_t_covers_the_difference_and_a_bootstrap_does_not():
    """Nominal 95%; the bootstrap is SciPy's BCa (Efron 1987)."""
    samples = np.random.default_rng(6).normal(0.3, 1, size=(1000, 8))
    pairs = [paired_difference(each, np.zeros(8)) for each in samples]
    covers = np.mean([each.low <= 0.3 <= each.high for each in pairs])
    low, high = stats.bootstrap(
        (samples,), np.mean, axis=1, n_resamples=999, rng=np.random.default_rng(7)
    ).confidence_interval
    lowest, highest = stats.binom.interval(0.998, 1000, 0.95)
    assert lowest <= 1000 * covers <= highest
    assert np.mean((low <= 0.3) & (high >= 0.3)) < lowest / 1000


@pytest.mark.parametrize("pairs", [3, 20])
def test_equal_differences_have_no_width(pairs):
    control = np.linspace(0.80, 0.91, pairs)
    found = paired_difference(control + 0.01, control)
    assert found[:3] == pytest.approx((0.01, 0.01, 0.01))
    assert found.low == found.high


@pytest.mark.parametrize("compare", COMPARISONS.values(), ids=COMPARISONS)
@pytest.mark.parametrize(
    ("arm", "control"),
    [
        ([1, 2, 3], [1, 2]),
        ([[1, 2, 3]], [[1, 2, 3]]),
        ([1], [2]),
        ([1, 2, np.nan], [1, 2, 3]),
        ([1, 2, 3], [1, 2, np.inf]),
        (1.0, 2.0),
    ],
)
def test_arms_that_are_not_paired_are_refused(compare, arm, control):
    with pytest.raises(ValueError, match=r"finite numbers, paired by seed"):
        compare(arm, control)


def test_rounding_is_no_spread():
    """0.1 + 0.2 is not 0.3 in binary; a tie that rounding broke is still a tie."""
    arm, control = np.array([0.1 + 0.2, 0.3, 0.3]), np.array([0.3, 0.3, 0.3])
    assert sign_flip_test(arm, control) == 1
    assert equivalence(arm, control, 0.01).p == 0


# --- Exact tests ---------------------------------------------------------------------


def test_sign_flips_of_darwins_maize():
    assert sign_flip_test(MAIZE, np.zeros(15)) == 1726 / 32768


@pytest.mark.parametrize("pairs", [2, 5, 10])
def test_sign_flips_are_those_of_scipy_and_of_brute_force(pairs):
    differences = np.random.default_rng(9).integers(-3, 5, size=pairs)  # with ties
    found = sign_flip_test(differences, np.zeros(pairs))
    patterns = np.array(list(product([-1, 1], repeat=pairs)))
    sums = np.abs(patterns @ differences)
    assert found == np.mean(sums >= abs(differences.sum()))
    scipys = stats.permutation_test(
        (differences,),
        lambda x, axis: x.mean(axis),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert found == pytest.approx(scipys.pvalue)


def test_ties_survive_rounding():
    """Accuracies are multiples of 1/10,000, so many patterns have the same sum."""
    whole = np.random.default_rng(10).integers(-40, 60, size=16)
    arm = (9000 + whole) / 10_000
    assert sign_flip_test(arm, np.full(16, 0.9)) == sign_flip_test(whole, np.zeros(16))


def test_drawn_sign_flips_agree_with_all_of_them(monkeypatch):
    arm, control = np.random.default_rng(10).normal(0.3, 1, size=(2, 18))
    exact = sign_flip_test(arm, control)
    monkeypatch.setattr("utils.inference.MOST_TO_ENUMERATE", 10)
    drawn = sign_flip_test(arm, control)
    assert drawn == pytest.approx(exact, abs=0.005)
    assert drawn == sign_flip_test(arm, control) != exact


# --- Several tests, and equivalence --------------------------------------------------


def test_holm_by_hand():
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])


def test_holm_of_the_heart_attacks_of_benjamini_and_hochberg():
    """Their 15 p-values (1995): familywise methods reject three, theirs four."""
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
    ]
    adjusted = holm(p_values)
    assert (adjusted <= 0.05).tolist() == [True] * 3 + [False] * 12
    assert (adjusted >= stats.false_discovery_control(p_values)).all()
    assert sum(stats.false_discovery_control(p_values) <= 0.05) == 4


def test_holm_is_closed_testing_with_bonferroni():
    """An adjusted p is the largest Bonferroni p of all subsets that contain it."""
    rng = np.random.default_rng(12)
    for _ in range(20):
        p_values = rng.random(5) ** 3
        expected = [
            max(
                min(1, size * min(p_values[list(subset)]))
                for size in range(1, 6)
                for subset in combinations(range(5), size)
                if i in subset
            )
            for i in range(5)
        ]
        np.testing.assert_allclose(holm(p_values), expected)


@pytest.mark.parametrize("wrong", [[0.5, 1.1], [-0.1], [np.nan], 0.5, [[0.1, 0.2]]])
def test_numbers_that_are_not_p_values_are_refused(wrong):
    with pytest.raises(ValueError, match=r"Expected p-values from 0 to 1, received"):
        holm(wrong)


def test_equivalence_in_the_example_of_toster():
    """`TOSTpaired(65, 5.83, 5.75, 1.17, 1.29, r12=0.75)` of Lakens's R package, with
    bounds of 0.4 standard deviations of the differences; by its formulas."""
    sd = np.sqrt(1.17**2 + 1.29**2 - 2 * 0.75 * 1.17 * 1.29)
    standard = stats.zscore(np.random.default_rng(14).normal(size=65), ddof=1)
    found = equivalence(0.08 + sd * standard, np.zeros(65), 0.4 * sd)
    error = sd / np.sqrt(65)
    assert found.p == pytest.approx(stats.t.cdf((0.08 - 0.4 * sd) / error, 64))
    half = stats.t.ppf(0.95, 64) * error
    assert found.difference[:4] == pytest.approx((0.08, 0.08 - half, 0.08 + half, 0.9))
    assert found.equivalent
    assert found.p == pytest.approx(0.0077, abs=2e-4)


def test_equivalent_exactly_when_the_interval_is_within_the_margin():
    rng = np.random.default_rng(15)
    verdicts = []
    for _ in range(300):
        arm, control = rng.normal(0, 1, size=(2, 9))
        found = equivalence(arm, control, 0.9)
        within = found.difference.low > -0.9 and found.difference.high < 0.9
        assert found.equivalent == within == (found.p < 0.05)
        verdicts.append(within)
    assert 30 < sum(verdicts) < 270


def test_equivalence_without_spread():
    arm = np.array([0.9, 0.91, 0.92])
    assert equivalence(arm, arm, 0.001).p == 0
    assert equivalence(arm, arm, 0.001).equivalent
    assert not equivalence(arm + 0.01, arm, 0.005).equivalent
    assert equivalence(arm, arm, 0.01).difference[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    ("margin", "alpha"), [(0, 0.05), (-1, 0.05), (np.nan, 0.05), (1, 0), (1, 0.5)]
)
def test_a_margin_or_level_out_of_range_is_refused(margin, alpha):
    with pytest.raises(ValueError, match=r"Expected a margin above 0.*received margin"):
        equivalence([1, 2, 3], [1, 2, 4], margin, alpha=alpha)


# --- Seeds and images ----------------------------------------------------------------


def simulated(rng, seeds, images, of_seeds, of_images):
    """Right and wrong of two arms that differ in nothing, with effects of both."""
    hard = rng.normal(1, 1, size=images)
    return (
        rng.normal(0, of_seeds, size=(seeds, 1))
        + rng.normal(0, of_images, size=images)
        + rng.normal(size=(seeds, images))
        < hard
        for _ in range(2)
    )


def test_the_interval_by_hand():
    """Differences [[1, 0, 1], [0, 0, 1], [0, -1, 0]]: their mean is 2/9. Mean squares:
    of seeds 7/9, of images 7/9, of the residual 1/9."""
    arm = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    control = np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0]], bool)
    found = difference_over_seeds_and_images(arm, control)
    error = np.sqrt((7 + 7 - 1) / 9 / 9)
    freedom = (7 + 7 - 1) ** 2 / (7**2 / 2 + 7**2 / 2 + 1**2 / 4)
    half = stats.t.ppf(0.975, freedom) * error
    assert found[:3] == pytest.approx((2 / 9, 2 / 9 - half, 2 / 9 + half))
    assert found.basis == "3 pairs"


@pytest.mark.parametrize(
    ("of_seeds", "of_images", "most"), [(0.4, 0, 0.97), (0.4, 1, 0.97), (0, 0, 1)]
)
def test_the_interval_of_a_difference_covers_it(of_seeds, of_images, most):
    """Nominal 95%, with eight seeds; more where neither seeds nor images matter."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(300):
        arms = simulated(rng, 8, 200, of_seeds, of_images)
        found = difference_over_seeds_and_images(*arms)
        hits += found.low <= 0 <= found.high
    lowest, _ = stats.binom.interval(0.998, 300, 0.94)
    _, highest = stats.binom.interval(0.998, 300, most)
    assert lowest <= hits <= highest


def test_without_an_effect_of_images_it_is_the_interval_of_pairs():
    """If each image is right in as many networks of either arm, seeds alone vary."""
    counts = np.array([60, 66, 71, 58, 77])[:, None]
    arm = (np.arange(400) + 13 * np.arange(5)[:, None]) % 100 < counts
    control = np.zeros_like(arm)
    found = difference_over_seeds_and_images(arm, control)
    pairs = paired_difference(arm.mean(1), control.mean(1))
    assert found[:3] == pytest.approx(pairs[:3], rel=0.1)


def test_variation_that_arms_share_cancels():
    """Seeds and images that are easy for both arms do not widen the interval."""
    rng = np.random.default_rng(8)
    control = (rng.random((12, 1)) < 0.6) & (rng.random((1, 400)) < 0.6)
    arm = control.copy()
    arm[:, rng.choice(400, 20, replace=False)] = True
    found = difference_over_seeds_and_images(arm, control)
    alone = difference_over_seeds_and_images(control, np.zeros_like(control))
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < (alone.high - alone.low) / 3


def test_identical_arms_differ_by_exactly_nothing():
    right = np.random.default_rng(9).random((8, 100)) < 0.8
    assert difference_over_seeds_and_images(right, right)[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    "shapes", [((8, 10), (8, 11)), ((10,), (10,)), ((8, 2, 5),) * 2, ((1, 10),) * 2]
)
def test_one_seed_and_arrays_that_are_not_right_or_wrong_are_refused(shapes):
    arm, control = (np.ones(shape, bool) for shape in shapes)
    for both in ((arm, control), np.ones((2, 8, 10))):
        with pytest.raises(ValueError, match=r"2 seeds and 2 images or more"):
            difference_over_seeds_and_images(*both)
