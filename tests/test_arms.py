"""Arms of the paired study: what they are, how they compare, what was chosen."""

import dataclasses

import numpy as np
import pytest

from utils import contrasts, profiles
from utils.contrasts import contrast
from utils.records import Store
from utils.replication import CLEAN, MATCHED, RECORDS
from utils.training import decode_correct, encode

BY_HAND = {"ones": (0.50, 0.70), "gain_1/15": (0.80, 0.70)}  # accuracy clean, noisy


def test_an_arm_is_one_spec_with_different_seeds():
    for name, specs in profiles.arms().items():
        seeds = [spec.seed for spec in specs]
        assert seeds == sorted(set(seeds)), name
        alike = {dataclasses.replace(spec, seed=0) for spec in specs}
        assert len(alike) == 1, name
        assert specs[0].scored_on == "test", name
        assert specs[0].test_images == 10_000, name


def test_arms_of_claims_have_twenty_seeds():
    for name in ("ones", "gain_1/15", "ones_clean", "gain_1/15_clean", "ones_tuned",
                 "gain_1/15_tuned", "energy_tuned", "shuffled_tuned", "as_coded",
                 "top_1"):  # fmt: skip
        assert len(profiles.arms()[name]) == 20, name


def test_rates_were_chosen_on_validation_images_of_other_seeds():
    tested = {spec.seed for spec in profiles.paired()}
    for spec in profiles.rates():
        assert spec.scored_on == "validation"
        assert spec.seed not in tested


@pytest.mark.parametrize("network", profiles.RATES)
def test_the_chosen_rate_is_the_best_of_those_tried(network):
    assert profiles.CHOSEN[network] == contrasts.best_rate(network)
    tried = contrasts.validation(network)
    assert sorted(tried) == sorted(profiles.RATES[network])
    for scores in tried.values():
        assert scores.shape == (len(profiles.VALIDATION_SEEDS), 2)


@pytest.mark.parametrize("network", profiles.RATES)
def test_the_chosen_rate_is_no_end_of_those_tried(network):
    """Else a better one may lie beyond, and the arm would be handicapped."""
    rates = sorted(profiles.RATES[network])
    assert rates[0] < profiles.CHOSEN[network] < rates[-1]


@pytest.mark.parametrize("network", profiles.DISPLACED)
def test_the_settings_of_the_displaced_study_are_the_best_of_those_tried(network):
    tried = contrasts.displaced_validation(network)
    assert sorted(tried) == sorted(profiles.DISPLACED_RATES[network])
    chosen = profiles.DISPLACED_CHOSEN[network]
    assert chosen == max(tried, key=tried.get)
    rates = sorted(rate for scale, rate in tried if scale == chosen[0])
    assert rates[0] < chosen[1] < rates[-1]  # a better one may lie beyond an end


def test_arms_of_the_displaced_study_differ_in_seeds_only():
    tested = {run.seed for run in profiles.displaced()}
    assert not tested & {run.seed for run in profiles.displaced_rates()}
    for name, runs in profiles.displaced_arms().items():
        headline = name in {f"displaced_{arm}" for arm in profiles.HEADLINE}
        many = headline or name.endswith("_long")
        seeds = profiles.SEEDS if many else profiles.SOME_SEEDS
        assert [run.seed for run in runs] == [*seeds], name
        assert len({dataclasses.replace(run, seed=0) for run in runs}) == 1, name
        assert runs[0].test_images == 10_000
        assert profiles.arm(name) == runs
    with pytest.raises(KeyError, match=r"No arm 'telepathy'\. Expected one of ones"):
        profiles.arm("telepathy")


def test_arms_of_the_displaced_study_see_the_same_displays():
    for ending in ("", "_28", "_44", "_fixed_40", "_fixed_120", "_clutter"):
        one, other = (
            profiles.displaced_arms()[f"displaced_{name}{ending}"][0]
            for name in profiles.HEADLINE
        )
        settings = {"attention": "ones", "input_scale": 1.0, "learning_rate": 1.0}
        assert dataclasses.replace(one, **settings) == dataclasses.replace(
            other, **settings
        )


@pytest.fixture
def invented(monkeypatch):
    """Ten seeds an arm whose accuracies are known, and which images were right."""

    def records(arm):
        clean, noisy = BY_HAND[arm]
        rng = np.random.default_rng(0)
        found = []
        for seed in range(10):
            correct = {}
            for level, share in (("0", clean), ("2.5", noisy)):
                right = rng.permutation(1000) < 1000 * share + seed
                correct[level] = encode(right)
            spec = {"seed": seed, "test_images": 1000}
            epochs = [{CLEAN: clean + seed / 1000, MATCHED: noisy + seed / 1000}]
            found.append({"spec": spec, "correct": correct, "epochs": epochs})
        return tuple(found)

    monkeypatch.setattr(contrasts, "records", records)
    for cached in (contrasts.contrast, contrasts.contrast_after_an_epoch):
        cached.cache_clear()
    yield
    for cached in (contrasts.contrast, contrasts.contrast_after_an_epoch):
        cached.cache_clear()


def test_a_contrast_by_hand(invented):
    found = contrast("gain_1/15", "ones", 0.0)
    assert found.points.value == pytest.approx(30)  # points; all pairs differ alike
    assert found.points.low < 30 < found.points.high
    assert found.p == pytest.approx(2 / 2**10)
    assert (found.pairs, found.test) == (10, "clean images")
    assert found.detectable == pytest.approx(0, abs=1e-6)
    none = contrast("gain_1/15", "ones", 2.5)
    assert none.points.value == pytest.approx(0, abs=1e-9)
    assert none.p == 1
    assert none.test == "noise of SD 2.5"
    assert str(found).startswith("+30.0 points (95% interval +2")
    assert str(found).endswith(", 10 pairs)")


def test_few_pairs_have_an_interval_for_other_seeds(invented, monkeypatch):
    found = contrasts.records
    monkeypatch.setattr(contrasts, "records", lambda arm: found(arm)[:5])
    few = contrast("gain_1/15", "ones", 0.0)
    assert few.points.value == pytest.approx(30)
    assert few.points.method == "5 equal differences"
    assert few.pairs == 5


def test_a_contrast_after_an_epoch_by_hand(invented):
    found = contrasts.contrast_after_an_epoch("gain_1/15", "ones", CLEAN)
    assert found.points.value == pytest.approx(30)
    assert contrasts.same("gain_1/15", "ones", 2.5, 1.0).equivalent
    assert not contrasts.same("gain_1/15", "ones", 0.0, 1.0).equivalent


def test_arms_with_other_seeds_are_not_paired(invented, monkeypatch):
    records = contrasts.records

    def shifted(arm):
        found = records(arm)
        if arm == "ones":
            found = found[1:]
        return found

    monkeypatch.setattr(contrasts, "records", shifted)
    with pytest.raises(ValueError, match="the same seeds"):
        contrast("gain_1/15", "ones", 0.0)


def test_records_say_what_their_arm_is():
    """An arm's records, and the accuracy that they hold, agree with each other."""
    for arm in ("ones", "gain_1/15_clean", "energy_tuned"):
        runs = contrasts.records(arm)
        assert [r["spec"]["seed"] for r in runs] == [*range(len(runs))]
        sd = runs[0]["spec"]["noise_sd"]
        last = contrasts.curve(arm, MATCHED)[:, -1]
        np.testing.assert_allclose(contrasts.accuracy(arm, sd), last)
        right = np.mean([decode_correct(each, sd).mean() for each in runs])
        assert contrasts.accuracy(arm, sd).mean() == pytest.approx(right)


def test_weights_are_kept_where_maps_are_swapped():
    store = Store(RECORDS)
    for spec in profiles.arms()["energy_tuned"]:
        assert store.weights(spec.name)["conv_2/kernel"].shape == (3, 3, 32, 32)


@pytest.mark.slow
def test_swapping_maps_leaves_flat_ones_alone(monkeypatch):
    """Another image's map is one's own where all maps are alike."""
    spec = profiles.arms()["energy_tuned"][0]
    flat = dataclasses.replace(spec, attention="ones")
    store = Store(RECORDS)
    monkeypatch.setattr(contrasts, "Store", lambda folder: _Renamed(store, spec.name))
    monkeypatch.setattr(profiles, "arms", lambda: {"flat": [flat]})
    ((own, other),) = contrasts.swapped.__wrapped__("flat")
    assert own == other


class _Renamed:
    def __init__(self, store, name):
        self.store, self.name = store, name

    def weights(self, name):
        return self.store.weights(self.name)
