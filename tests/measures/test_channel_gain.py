"""Gains of channels: tunings, their slopes, and the weights that stand for them."""

import numpy as np
import pytest
from scipy import stats

from utils.measures.channel_gain import LAYERS, Halves, attended, gains
from utils.model import predict, set_weights
from utils.studies import features
from utils.studies.features import NETWORKS

WEIGHTS = NETWORKS.weights(0)


@pytest.fixture
def trained():
    halves = Halves(NETWORKS.spec)
    set_weights(halves.model, WEIGHTS)
    return halves


@pytest.fixture(scope="module")
def images():
    return features.displays(3, 60.0, "validation")[0][:8]


@pytest.mark.parametrize("layer", LAYERS)
def test_tunings_are_z_scores_over_digits(trained, layer, monkeypatch):
    monkeypatch.setattr(features, "SINGLES", 4)
    digits = features.single_digits(60.0)
    pooled = trained.pooled(digits)[layer]
    activity = predict(trained.model, digits, LAYERS[layer])
    np.testing.assert_allclose(pooled, activity, rtol=1e-3, atol=1e-2)
    responses = activity.mean((1, 2)).reshape(10, 4, 32).mean(1)
    responds = responses.any(0)
    assert responds.all() == (layer == "conv_1")  # of conv_2, some never do
    found = trained.tuning(layer, "activity", digits)
    np.testing.assert_allclose(
        found[:, responds], stats.zscore(responses[:, responds]), atol=0.01
    )
    slopes = trained.tuning(layer, "gradient", digits)
    np.testing.assert_allclose(slopes[:, responds].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(slopes[:, responds].std(0), 1, atol=1e-5)
    assert not found[:, ~responds].any()
    assert not slopes[:, ~responds].any()
    assert np.corrcoef(found.ravel(), slopes.ravel())[0, 1] > 0.2


@pytest.mark.parametrize("layer", LAYERS)
def test_slopes_are_those_of_finite_differences(trained, images, layer):
    pooled = trained.pooled(images)[layer]
    half, evidence, slope = trained._second[layer]
    weights = [each.value for each in half.trainable_variables]
    found = np.asarray(slope(weights, pooled))
    assert found.shape == (10, 32)
    busy, step = pooled.mean((0, 1, 2)).argmax(), np.zeros(32, "float32")
    step[busy] = 0.5
    up, down = (np.asarray(evidence(weights, pooled + s, 1.0)) for s in (step, -step))
    expected = (up - down).mean(0)  # over a step of 1
    off = abs(found[:, busy] - expected).max()
    assert off < 0.02 * abs(expected).max()


def test_gains_by_hand():
    tuning = np.zeros((10, 5))
    tuning[3], tuning[4] = [2, -2, 0.5, 1, 0], [0, 0, 0, 1, 0]
    assert (gains(tuning, 3, 0.0) == 1).all()
    np.testing.assert_allclose(gains(tuning, 3, 1.0), [3, 0, 1.5, 2, 1])
    np.testing.assert_allclose(gains(tuning, 3, 0.25), [1.5, 0.5, 1.125, 1.25, 1])
    np.testing.assert_allclose(gains(tuning, 3, 1.0, "mean"), [1.625] * 4 + [1])
    orders = [gains(tuning, 3, 1.0, "shuffled", seed) for seed in range(5)]
    assert all(sorted(each) == [0, 1, 1.5, 2, 3] for each in orders)
    assert all(each[4] == 1 for each in orders)  # it never responds
    assert len({tuple(each) for each in orders}) > 1
    assert (orders[2] == gains(tuning, 3, 1.0, "shuffled", 2)).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_gain_of_channels_is_a_change_of_weights(trained, images, layer):
    """Given to the whole network, they do what gains between its halves do."""

    def whole():
        means = predict(trained.model, images, "dense_1")
        return means @ WEIGHTS["dense_2/kernel"] + WEIGHTS["dense_2/bias"]

    by = np.random.default_rng(0).uniform(0, 2, 32).astype("float32")
    by[:3] = 0
    pooled, plain = trained.pooled(images)[layer], whole()
    np.testing.assert_allclose(trained.evidence(layer, pooled), plain, atol=0.01)
    between = trained.evidence(layer, pooled, by)
    assert abs(between - plain).max() > 1
    set_weights(trained.model, attended(WEIGHTS, layer, by))
    np.testing.assert_allclose(between, whole(), atol=0.01)
    same = attended(WEIGHTS, layer, np.ones(32, "float32"))
    assert all((same[name] == array).all() for name, array in WEIGHTS.items())


def test_weights_cannot_stand_for_a_gain_below_0():
    with pytest.raises(ValueError, match=r"gains of 0 or more. Received -0\.5"):
        attended(WEIGHTS, "conv_2", np.array([1, -0.5]))
