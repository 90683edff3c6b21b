"""Noise borne at equal accuracy, decibels and d': by hand and from simulations."""

import itertools

import numpy as np
import pytest
from invented import save
from scipy import special, stats

from utils.measures.psychometrics import (
    COLUMNS,
    class_answers,
    d_prime,
    decibels,
    forced_choice_accuracy,
    more_noise,
    noise_borne,
)
from utils.runs.arms import Arm
from utils.spec import RunSpec

HEAD = ",".join(COLUMNS)
LEVELS = (0.0, 25.0, 50.0, 100.0, 200.0, 400.0)  # noise SDs in grey levels
IMAGES = 1_000
SIX_DECIBELS = 20 * np.log10(2)


@pytest.fixture
def networks(tmp_path):
    """Return a function: an arm with these shares of right answers, by level."""
    number = itertools.count()

    def networks(*curves):
        run = RunSpec(test_images=IMAGES, test_noise_sds=LEVELS)
        arm = Arm("observers", run, range(len(curves)), tmp_path / str(next(number)))
        for spec, curve in zip(arm.specs, curves, strict=True):
            right = (np.arange(IMAGES) < round(share * IMAGES) for share in curve)
            save(arm.store, spec, right=dict(zip(LEVELS, right, strict=True)))
        return arm

    return networks


def test_decibels_by_hand():
    assert decibels([1, 10, 0.1]).tolist() == [0, 20, -20]
    assert decibels(2) == pytest.approx(6.0206, abs=1e-4)
    assert decibels(0) == -np.inf


def test_noise_borne_by_hand(networks):
    """Halfway in accuracy between 50 and 100 is halfway in octaves: 50 sqrt(2)."""
    arm = networks((0.2, 0.9, 0.8, 0.4, 0.2, 0.1), (0.99, 0.9, 0.9, 0.6, 0.1, 0.1))
    found = noise_borne(arm, 0.6)  # without noise, accuracy may be anything
    np.testing.assert_allclose(found, [50 * np.sqrt(2), 100])


def test_twice_the_noise_is_six_decibels(networks):
    steps = [special.ndtr(2.5 - np.arange(7) - x) for x in (0.0, 0.1, 0.2)]
    control = networks(*([0.9, *curve[:5]] for curve in steps))
    arm = networks(*([0.9, 1.0, *curve[:4]] for curve in steps))  # an octave later
    for accuracy in (0.5, 0.8):
        found = more_noise(arm, control, accuracy)
        assert found.value == pytest.approx(SIX_DECIBELS, abs=0.02)
        assert found.number == "+6.0 dB"
        assert more_noise(control, arm, accuracy).value == -found.value


@pytest.mark.parametrize("accuracy", [0.99, 0.05])
def test_an_accuracy_that_a_network_has_at_no_level_is_refused(networks, accuracy):
    arm = networks((0.9, 0.9, 0.8, 0.4, 0.2, 0.1))
    with pytest.raises(ValueError, match=f"Expected an accuracy .*received {accuracy}"):
        noise_borne(arm, accuracy)


def test_d_prime_of_ten_alternatives_is_that_of_palamedes():
    """The example of `PAL_SDT_MAFC_PCtoDP` (Palamedes toolbox, Prins and Kingdom)."""
    found = d_prime([0.1, 0.3, 0.5, 0.7, 0.9], 10)
    expected = [0.0, 0.8680, 1.4748, 2.0872, 2.9829]
    np.testing.assert_allclose(found, expected, atol=1.5e-4)  # its search stops there


def test_d_prime_of_two_alternatives_has_a_formula():
    """`sqrt(2) z(p)` (Green and Swets 1966)."""
    p = np.linspace(0.02, 0.98, 25)
    np.testing.assert_allclose(d_prime(p, 2), np.sqrt(2) * stats.norm.ppf(p), atol=1e-9)


@pytest.mark.parametrize("alternatives", [2, 3, 10, 100])
def test_d_prime_is_the_inverse_in_any_shape(alternatives):
    expected = np.linspace(-1, 5, 12).reshape(3, 4)
    accuracy = forced_choice_accuracy(expected, alternatives)
    assert (np.diff(accuracy.ravel()) > 0).all()
    np.testing.assert_allclose(d_prime(accuracy, alternatives), expected, atol=1e-6)


def test_d_prime_in_its_limits():
    assert d_prime(0.1) == pytest.approx(0, abs=1e-9)
    assert d_prime([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert forced_choice_accuracy([0, 40], 10) == pytest.approx([0.1, 1])
    assert d_prime(0.05) < 0


@pytest.mark.parametrize(
    ("accuracy", "alternatives"), [(1.2, 10), ([0.5, -0.1], 10), (np.nan, 10), (0.5, 1)]
)
def test_a_d_prime_of_an_impossible_accuracy_is_refused(accuracy, alternatives):
    with pytest.raises(ValueError, match=r"Expected accuracies from 0 to 1.*received"):
        d_prime(accuracy, alternatives)


# ---- the answers of a class


def row(level, right, condition="uncued"):
    return f"1,{level},3,{3 if right else 8},{right:d},512,{condition},7"


def write_answers(path, *rows, head=HEAD):
    path.write_text("\n".join([head, *rows, ""]), "utf-8")


def test_a_class_is_pooled_by_hand(tmp_path):
    """Shares of 1, 1/2 and 0 at SD 80: mean 1/2, SD 1/2; two observers at SD 40."""
    write_answers(tmp_path / "a.csv", row(80, True), row(40, True))
    write_answers(tmp_path / "b.csv", *(row(80, x) for x in (True, False)))
    write_answers(tmp_path / "c.csv", row(80, False), row(40, True))
    found = class_answers(tmp_path)["uncued"]
    assert found.noise_sd.tolist() == [40, 80]
    assert found.accuracy.tolist() == [1, 0.5]
    assert found.observers.tolist() == [2, 3]
    assert (found.low[0], found.high[0]) == (1, 1)
    assert (found.low[1], found.high[1]) == (0, 1)  # 0.5 -+ 4.30 * 0.5 / sqrt(3)


def test_the_interval_is_that_of_a_t_test_and_conditions_are_apart(tmp_path):
    shares = [0.4, 0.5, 0.6, 0.8]
    for number, share in enumerate(shares):
        answers = (row(80, i < 10 * share, "cued") for i in range(10))
        write_answers(tmp_path / f"{number}.csv", *answers)
    (condition, found) = next(iter(class_answers(tmp_path).items()))
    expected = stats.ttest_1samp(shares, 0).confidence_interval()
    assert condition == "cued"
    np.testing.assert_allclose((found.low[0], found.high[0]), expected)
    write_answers(tmp_path / "more.csv", row(80, True))
    alone = class_answers(tmp_path)["uncued"]
    assert (alone.accuracy, alone.observers) == (1, 1)
    assert np.isnan([alone.low, alone.high]).all()


def test_a_folder_without_files_gives_nothing(tmp_path):
    assert class_answers(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (None, r"mine\.csv to begin with trial,noise_sd.*one answer"),
        (row(0, True), r"line 3 of mine\.csv to hold trial.*Received '1,0,3"),
        (row("nan", True), "line 3 of mine"),
        (row(80, True).replace("uncued", "drunk"), "condition uncued or cued. Rec"),
        (row(80, True).replace(",3,1,", ",4,1,"), "Save the file anew"),
        (row(80, True).replace("3,3", "12,12"), "a label and an answer from 0 to 9"),
        ("1,80", "Received '1,80'"),
    ],
)
def test_a_file_of_another_form_is_refused_by_name(line, words, tmp_path):
    rows = [row(80, True), line] if line else []
    write_answers(tmp_path / "mine.csv", *rows)
    with pytest.raises(ValueError, match=words):
        class_answers(tmp_path)


def test_a_table_of_something_else_is_refused(tmp_path):
    write_answers(tmp_path / "marks.csv", "Ada,1", head="name,mark")
    with pytest.raises(ValueError, match=r"Received 'name,mark.*Save CSV"):
        class_answers(tmp_path)
