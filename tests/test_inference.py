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
    resampled_accuracies,
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


def test_few_pairs_have_the_interval_of_scipys_paired_t_test():
    arm, control = np.random.default_rng(2).normal(size=(2, 7))
    found = paired_difference(arm, control)
    expected = stats.ttest_rel(arm, control).confidence_interval(0.95)
    assert found[:3] == pytest.approx((np.mean(arm - control), *expected))
    assert found.basis == "7 pairs"


def test_eight_pairs_are_bootstrapped_as_by_hand():
    """BCa (Efron 1987) from its formulas, with resamples of our own."""
    differences = np.random.default_rng(3).gamma(1.0, size=8)
    found = paired_difference(differences, np.zeros(8), resamples=40_000)
    draws = np.random.default_rng(4).integers(8, size=(40_000, 8))
    means = differences[draws].mean(axis=1)
    bias = stats.norm.ppf(np.mean(means < differences.mean()))
    left_out = np.array([np.delete(differences, i).mean() for i in range(8)])
    d = left_out.mean() - left_out
    acceleration = (d**3).sum() / (6 * (d**2).sum() ** 1.5)
    shifted = bias + stats.norm.ppf([0.025, 0.975])
    ends = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
    expected = np.quantile(means, ends)
    np.testing.assert_allclose(found[1:3], expected, rtol=0.03)


@pytest.mark.parametrize(("pairs", "rates"), [(5, (0.95, 0.95)), (20, (0.91, 0.95))])
def test_the_interval_covers_the_true_difference(pairs, rates):
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(400):
        arm, control = rng.normal(size=(2, pairs))
        found = paired_difference(arm + 0.3, control, resamples=500)
        hits += found.low <= 0.3 <= found.high
    lowest, _ = stats.binom.interval(0.998, 400, rates[0])
    _, highest = stats.binom.interval(0.998, 400, rates[1])
    assert lowest <= hits <= highest


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


def test_moments_are_those_of_the_crossed_design():
    """With counts S of seeds and I of images, both multinomial, E[S S'] is
    identity + (1 - 1/n) everywhere, so the variance is known exactly."""
    right = np.random.default_rng(0).random((8, 15)) < np.linspace(0.1, 1, 15)
    means = resampled_accuracies(right, 40_000)
    seeds, images = (np.eye(n) + (1 - 1 / n) for n in right.shape)
    second = np.einsum("ij,ik,kl,jl", right, seeds, right, images) / right.size**2
    variance = second - right.mean() ** 2
    assert means.mean() == pytest.approx(right.mean(), abs=4 * np.sqrt(variance / 4e4))
    assert means.var() == pytest.approx(variance, rel=0.03)


def test_the_axes_between_share_the_draws():
    rng = np.random.default_rng(2)
    right = rng.random((9, 3, 2, 50)) < 0.7
    right[:, 2] = right[:, 0]
    means = resampled_accuracies(right, 250)
    assert means.shape == (250, 3, 2)
    assert (means[:, 2] == means[:, 0]).all()
    assert (means[:, 1] != means[:, 0]).any()


def test_the_interval_of_a_difference_covers_it():
    """Nominal 95%: a little less with few seeds, more where nothing but the single
    answers varies. The two arms here differ in nothing, so the truth is 0."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        hard = rng.normal(1, 1, size=200)
        arm, control = (
            rng.normal(0, 0.4, size=(10, 1)) + rng.normal(size=(10, 200)) < hard
            for _ in range(2)
        )
        found = difference_over_seeds_and_images(arm, control, resamples=300)
        hits += found.low <= 0 <= found.high
    lowest, _ = stats.binom.interval(0.998, 200, 0.92)
    _, highest = stats.binom.interval(0.998, 200, 0.97)
    assert lowest <= hits <= highest


def test_variation_that_arms_share_cancels():
    """Seeds and images that are easy for both arms do not widen the interval."""
    rng = np.random.default_rng(8)
    control = (rng.random((12, 1)) < 0.6) & (rng.random((1, 400)) < 0.6)
    arm = control.copy()
    arm[:, rng.choice(400, 20, replace=False)] = True
    found = difference_over_seeds_and_images(arm, control)
    alone = resampled_accuracies(control, 500).std()
    assert 0 < found.low < found.value < found.high
    assert (found.high - found.low) / 4 < alone / 3
    assert found.basis == "12 pairs"


def test_identical_arms_differ_by_exactly_nothing():
    right = np.random.default_rng(9).random((8, 100)) < 0.8
    assert difference_over_seeds_and_images(right, right)[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    "shapes", [((8, 10), (8, 11)), ((10,), (10,)), ((8, 2, 5),) * 2, ((7, 10),) * 2]
)
def test_few_seeds_and_arrays_that_are_not_right_or_wrong_are_refused(shapes):
    arm, control = (np.ones(shape, bool) for shape in shapes)
    for both in ((arm, control), np.ones((2, 8, 10))):
        with pytest.raises(ValueError, match=r"8 seeds or more.* paired_difference"):
            difference_over_seeds_and_images(*both)
