"""Statistics of runs and of pairs of runs.

By hand, in the limits, against published worked examples and other implementations,
and on simulated runs whose answer is known.
"""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from utils.statistics import (
    Estimate,
    effect_size,
    epochs_to_reach,
    equivalence,
    holm,
    mean_and_standard_error,
    paired_difference,
    sign_flip_test,
    smallest_detectable_difference,
    speed_up,
)

# Darwin's 15 pairs of maize plants, crossed minus self-fertilised, eighths of an inch
# (Fisher 1935, chapter III): t = 2.148, and 1726 of 32768 patterns of signs have sums
# as far from 0.
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
COMPARISONS = {
    "paired_difference": paired_difference,
    "effect_size": effect_size,
    "sign_flip_test": sign_flip_test,
    "equivalence": lambda arm, control: equivalence(arm, control, 0.01),
}


def likely(hits, runs, rate):
    """Whether that many hits are no surprise (one in a thousand either side)."""
    low, high = stats.binom.interval(0.998, runs, rate)
    return low <= hits <= high


def test_by_hand():
    mean, error = mean_and_standard_error([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]])
    assert mean.tolist() == [3, 0]
    assert error == pytest.approx([2 / np.sqrt(3), 0])


def test_is_that_of_scipy_along_any_axis():
    values = np.random.default_rng(0).normal(size=(4, 5, 6))
    for axis in (0, 1, 2, -1):
        _, error = mean_and_standard_error(values, axis)
        np.testing.assert_allclose(error, stats.sem(values, axis))


def test_one_run_says_nothing_of_the_spread():
    mean, error = mean_and_standard_error([[0.5, 0.7]])
    assert mean.tolist() == [0.5, 0.7]
    assert np.isnan(error).all()


@pytest.mark.parametrize("nothing", [[], np.empty((0, 3)), 0.5])
def test_no_run_is_refused(nothing):
    with pytest.raises(ValueError, match="at least one run"):
        mean_and_standard_error(nothing)


def test_recovers_the_spread_of_simulated_means():
    rng = np.random.default_rng(1)
    runs = rng.normal(0.9, 0.02, size=(10, 20_000))
    mean, error = mean_and_standard_error(runs)
    assert mean.std() == pytest.approx(0.02 / np.sqrt(10), rel=0.02)
    assert np.sqrt((error**2).mean()) == pytest.approx(mean.std(), rel=0.02)


def test_few_pairs_have_the_interval_of_scipys_paired_t_test():
    arm, control = np.random.default_rng(2).normal(size=(2, 7))
    found = paired_difference(arm, control)
    expected = stats.ttest_rel(arm, control).confidence_interval(0.95)
    assert found[:3] == pytest.approx((np.mean(arm - control), *expected))
    assert found.method == "Student's t over 7 pairs"


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
    assert found.method == "BCa bootstrap over 8 pairs"


def test_many_pairs_have_students_interval():
    differences = np.random.default_rng(5).normal(1, 2, size=1000)
    found = paired_difference(differences, np.zeros(1000), confidence=0.9)
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.9)
    np.testing.assert_allclose(found[1:3], expected, rtol=0.01)


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


def test_the_same_seed_draws_the_same_resamples():
    arm, control = np.random.default_rng(7).normal(size=(2, 12))
    found = paired_difference(arm, control, seed=1)
    assert found == paired_difference(arm, control, seed=1)
    assert found != paired_difference(arm, control, seed=2)


@pytest.mark.parametrize("pairs", [3, 20])
def test_equal_differences_have_no_width(pairs):
    control = np.linspace(0.80, 0.91, pairs)
    found = paired_difference(control + 0.01, control)
    assert found[:3] == pytest.approx((0.01, 0.01, 0.01))
    assert found.low == found.high


def test_an_estimate_reads_as_a_sentence():
    estimate = Estimate(0.1234567, -0.05, 0.3, 0.95, "by eye")
    assert str(estimate) == "0.1235 (95% interval -0.05 to 0.3, by eye)"


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
def test_what_is_not_pairs_is_refused(compare, arm, control):
    with pytest.raises(
        ValueError, match=r"(?s)or more finite numbers, paired.*receive"
    ):
        compare(arm, control)


def test_effect_size_of_darwins_maize():
    found = effect_size(MAIZE, np.zeros(15))
    assert found.d_z == pytest.approx(2.148 / np.sqrt(15), abs=2e-4)  # Fisher's t
    assert found.g_z / found.d_z == pytest.approx(1 - 3 / (4 * 14 - 1), abs=5e-4)


def test_hedges_correction_by_hand():
    found = effect_size([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert found.d_z == pytest.approx(2)
    assert found.g_z == pytest.approx(2 / np.sqrt(np.pi))  # Gamma(1) / Gamma(1/2)


def test_hedges_correction_removes_the_bias():
    samples = np.random.default_rng(8).normal(0.8, 1, size=(4000, 5))
    found = np.array([effect_size(sample, np.zeros(5)) for sample in samples])
    error = stats.sem(found[:, 1])
    assert abs(found[:, 1].mean() - 0.8) < 4 * error
    assert found[:, 0].mean() - 0.8 > 10 * error


def test_effect_size_without_spread_and_with_many_pairs():
    control = np.array([0.1, 0.2, 0.3, 0.7])
    assert effect_size(control, control) == (0, 0)
    assert effect_size(control + 0.1, control) == (np.inf, np.inf)
    assert effect_size(control, control + 0.1) == (-np.inf, -np.inf)
    many = effect_size(np.tile([0.0, 1.0], 1000), np.zeros(2000))
    assert many.g_z == pytest.approx(many.d_z, rel=1e-3)


def test_rounding_is_no_spread():
    """0.1 + 0.2 is not 0.3 in binary; a tie that rounding broke is still a tie."""
    arm, control = np.array([0.1 + 0.2, 0.3, 0.3]), np.array([0.3, 0.3, 0.3])
    assert effect_size(arm, control) == (0, 0)
    assert sign_flip_test(arm, control).p == 1
    assert equivalence(arm, control, 0.01).p == 0


def test_sign_flips_of_darwins_maize():
    found = sign_flip_test(MAIZE, np.zeros(15))
    assert found == (1726 / 32768, 2 / 32768, 15, True)


def test_sign_flips_by_hand():
    """Of the 8 sums of +-1 +-2 +-4, only 7 and -7 are as far from 0 as 7."""
    assert sign_flip_test([1, 2, 4], [0, 0, 0]).p == 2 / 8
    assert sign_flip_test([1, 2, -4], [0, 0, 0]).p == 8 / 8
    assert sign_flip_test([-1, 2, 4], [0, 0, 0]).p == 4 / 8


@pytest.mark.parametrize("pairs", range(2, 8))
def test_so_many_pairs_reach_that_p_and_no_less(pairs):
    found = sign_flip_test(np.ones(pairs), np.zeros(pairs))
    assert found.p == found.smallest_p == 2 / 2**pairs
    assert (found.p < 0.05) == (pairs >= 6)


@pytest.mark.parametrize("pairs", [2, 5, 10])
def test_sign_flips_are_those_of_scipy_and_of_brute_force(pairs):
    differences = np.random.default_rng(9).integers(-3, 5, size=pairs)  # with ties
    found = sign_flip_test(differences, np.zeros(pairs))
    patterns = np.array(list(product([-1, 1], repeat=pairs)))
    sums = np.abs(patterns @ differences)
    assert found.p == np.mean(sums >= abs(differences.sum()))
    scipys = stats.permutation_test(
        (differences,),
        lambda x, axis: x.mean(axis),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert found.p == pytest.approx(scipys.pvalue)


def test_ties_survive_rounding():
    """Accuracies are multiples of 1/10,000, so many patterns have the same sum."""
    whole = np.random.default_rng(10).integers(-40, 60, size=16)
    arm = (9000 + whole) / 10_000
    assert sign_flip_test(arm, np.full(16, 0.9)) == sign_flip_test(whole, np.zeros(16))


def test_drawn_sign_flips_agree_with_all_of_them(monkeypatch):
    exact = sign_flip_test(MAIZE, np.zeros(15))
    monkeypatch.setattr("utils.statistics.MOST_TO_ENUMERATE", 10)
    drawn = sign_flip_test(MAIZE, np.zeros(15), resamples=50_000)
    assert drawn.p == pytest.approx(exact.p, abs=0.004)
    assert not drawn.exact
    assert drawn == sign_flip_test(MAIZE, np.zeros(15), resamples=50_000)
    assert drawn != sign_flip_test(MAIZE, np.zeros(15), resamples=50_000, seed=1)


def test_a_drawn_p_is_never_zero():
    found = sign_flip_test(np.ones(40), np.zeros(40), resamples=999)
    assert found == (1 / 1000, 1 / 1000, 40, False)


@pytest.mark.parametrize("pairs", [12, 30])
def test_identical_arms_have_p_1(pairs):
    assert sign_flip_test(np.ones(pairs), np.ones(pairs)).p == 1


def test_sign_flips_reject_a_true_null_as_often_as_they_say():
    samples = np.random.default_rng(11).laplace(size=(2000, 10))
    hits = sum(sign_flip_test(x, np.zeros(10)).p <= 0.05 for x in samples)
    assert likely(hits, 2000, np.floor(0.05 * 512) / 512)  # p is a multiple of 2/1024


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


def test_holm_keeps_false_positives_of_the_family_below_alpha():
    rng = np.random.default_rng(13)
    shared = rng.normal(size=(2000, 1))
    z = 0.6 * shared + 0.8 * rng.normal(size=(2000, 6))
    p_values = 2 * stats.norm.sf(np.abs(z))
    hits = sum(min(holm(row)) <= 0.05 for row in p_values)
    assert hits < stats.binom.isf(0.001, 2000, 0.05)
    assert sum(min(row) <= 0.05 for row in p_values) > 3 * hits  # uncorrected


def test_holm_of_one_and_of_none():
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("wrong", [[0.5, 1.1], [-0.1], [np.nan], 0.5, [[0.1, 0.2]]])
def test_what_is_no_p_value_is_refused(wrong):
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


@pytest.mark.parametrize("sign", [-1, 1])
def test_equivalence_of_what_differs_by_the_margin_is_rare(sign):
    samples = np.random.default_rng(16).normal(0.5 * sign, 0.4, size=(2000, 10))
    hits = sum(equivalence(x, np.zeros(10), 0.5).equivalent for x in samples)
    assert likely(hits, 2000, 0.05)


def test_equivalence_without_spread():
    arm = np.array([0.9, 0.91, 0.92])
    assert equivalence(arm, arm, 0.001).p == 0
    assert equivalence(arm, arm, 0.001).equivalent
    assert not equivalence(arm + 0.01, arm, 0.005).equivalent
    assert equivalence(arm, arm, 0.01).difference[:3] == (0, 0, 0)


def test_equivalence_reads_as_a_sentence():
    text = str(equivalence([0.9, 0.8], [0.9, 0.8], 0.01))
    assert text.endswith("Student's t over 2 pairs): equivalent within 0.01, p = 0")
    assert "not shown equivalent" in str(equivalence([0.9, 0.5], [0.8, 0.7], 0.01))


@pytest.mark.parametrize(
    ("margin", "alpha"), [(0, 0.05), (-1, 0.05), (np.nan, 0.05), (1, 0), (1, 0.5)]
)
def test_a_margin_that_is_none_is_refused(margin, alpha):
    with pytest.raises(ValueError, match=r"Expected a margin above 0.*received margin"):
        equivalence([1, 2, 3], [1, 2, 4], margin, alpha=alpha)


@pytest.mark.parametrize(
    ("pairs", "alpha", "power", "d_z"),
    [
        (20, 0.05, 0.8, 0.6604),  # G*Power 3.1, two-sided, by sensitivity analysis
        (34, 0.05, 0.8077775, 0.5),  # G*Power 3.1: 34 pairs for .8
        (54, 0.05, 0.9502120, 0.5),  # G*Power 3.1: 54 pairs for .95
        (60, 0.10, 0.4555818, 0.2),  # pwr.t.test of R, one sample, after Cohen 1988
    ],
)
def test_detectable_differences_are_the_published_ones(pairs, alpha, power, d_z):
    found = smallest_detectable_difference(pairs, alpha=alpha, power=power)
    assert found == pytest.approx(d_z, abs=5e-5)


@pytest.mark.parametrize("pairs", [2, 3, 12])
def test_the_detectable_difference_is_detected_as_often_as_it_says(pairs):
    true = smallest_detectable_difference(pairs, 0.02)
    samples = np.random.default_rng(17).normal(true, 0.02, size=(20_000, pairs))
    hits = np.sum(stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05)
    assert likely(hits, 20_000, 0.8)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("power", [0.5, 0.99])
def test_more_pairs_detect_less(alpha, power):
    found = [
        smallest_detectable_difference(n, alpha=alpha, power=power)
        for n in (2, 3, 4, 6, 10, 30, 100, 1000)
    ]
    assert (np.diff(found) < 0).all()
    normal = stats.norm.isf(alpha / 2) + stats.norm.ppf(power)
    assert found[-1] * np.sqrt(1000) == pytest.approx(normal, rel=0.01)


def test_the_detectable_difference_is_in_the_unit_of_the_sd():
    assert smallest_detectable_difference(20, 0) == 0
    five = smallest_detectable_difference(20, 5)
    assert five == pytest.approx(5 * smallest_detectable_difference(20))


@pytest.mark.parametrize(
    ("pairs", "settings"),
    [
        (1, {}),
        (5, {"sd": -1}),
        (5, {"power": 0.04}),
        (5, {"power": 1}),
        (5, {"alpha": 0}),
    ],
)
def test_a_design_that_is_none_is_refused(pairs, settings):
    with pytest.raises(ValueError, match=r"Expected 2 pairs or more.*received"):
        smallest_detectable_difference(pairs, **settings)


# --- How soon ----------------------------------------------------------------------


def test_when_a_learning_curve_reaches_an_accuracy():
    curve = [0.3, 0.5, 0.4, 0.9]
    assert epochs_to_reach(curve, 0.3) == 1
    assert epochs_to_reach(curve, 0.4) == pytest.approx(1.5)
    assert epochs_to_reach(curve, 0.2) == pytest.approx(0.5)  # from chance, 0.1
    assert epochs_to_reach(curve, 0.7) == pytest.approx(3.6)
    assert epochs_to_reach(curve, 0.05) == 0
    assert np.isnan(epochs_to_reach(curve, 0.91))


def exponential(rate, epochs=60, end=0.9):
    return end - (end - 0.1) * np.exp(-rate * np.arange(1, epochs + 1))


def test_a_network_that_learns_three_times_as_fast_is_three_times_sooner():
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.08, 0.12, 20)
    control = np.array([exponential(rate, 20) for rate in rates])
    arm = np.array([exponential(3 * rate, 20) for rate in rates])
    found = speed_up(arm, control, last=1)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(3, rel=0.02)
    assert speed_up(control, 0.9 * control, last=1).value > 1


def test_equal_curves_are_as_soon_as_each_other():
    curves = np.array([exponential(rate) for rate in (0.1, 0.2, 0.3)])
    found = speed_up(curves, curves)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_network_that_never_gets_there_has_no_ratio():
    control = np.array([exponential(0.2)] * 3)
    with pytest.raises(ValueError, match="1 of 3 networks never reach"):
        speed_up(np.vstack([control[:2], control[:1] * 0.5]), control)
