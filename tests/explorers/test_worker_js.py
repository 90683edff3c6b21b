"""Networks that learn side by side: worker.js in Node, without a worker."""

import re

import pytest
from node import Node

from utils.data import load_mnist
from utils.explorers.packing import NETWORK, network_builds

SETTINGS = {
    "kinds": ["ones", "energy"],
    "parameters": [{}, {}],
    "noise_sd": 20,
    "noise_varies": False,
    "test_noise_sd": 0,
    "canvas": [28, 28],
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "learning_rate_decay": 1e-6,
    "batch": 1,
    "seed": 0,
}
START = """async ([builds, images, labels]) => {
  const part = (from, to) => ({
    rows: 28, cols: 28,
    images: Uint8Array.from(images.slice(784 * from, 784 * to)),
    labels: labels.slice(from, to),
  });
  const module = await compileNetwork(builds);
  globalThis.start = { module, digits: part(0, 20), test_digits: part(20, 40) };
}"""
LEARN = """async ([settings, updates]) => {
  const last = (steps) => {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  };
  const comparison = await Comparison.create({ ...start, settings });
  for (let i = 0; i < updates; i++) last(comparison.update());
  const { weights, ...report } = last(comparison.report());
  return { ...report, weights: weights.map(base64) };
}"""


@pytest.fixture(scope="module")
def node():
    running = Node(*NETWORK)
    _, (images, labels) = load_mnist()
    digits = [images[:40].ravel().tolist(), labels[:40].tolist()]
    running.evaluate(START, [network_builds(), *digits])
    yield running
    running.close()


def learn(node, updates, **settings):
    """What two networks report after some updates on 20 digits."""
    return node.evaluate(LEARN, [{**SETTINGS, **settings}, updates])


def test_networks_of_one_kind_learn_the_same_and_again_the_same(node):
    same = {"kinds": ["energy", "energy"]}
    first, again = (learn(node, 100, **same) for _ in range(2))
    other = learn(node, 100, **same, seed=1)
    for report in (first, other):
        for each in ("losses", "accuracies", "weights"):
            assert report[each][0] == report[each][1]
    assert first == again
    assert first["weights"] != other["weights"]


def test_they_learn(node):
    how = {"optimizer": "adam", "learning_rate": 0.003, "noise_varies": True}
    early, late = (learn(node, count, **how, batch=2) for count in (100, 400))
    for first, last in zip(early["losses"], late["losses"], strict=True):
        assert last < first - 0.2


def test_nothing_is_known_before_the_first_hundred_updates(node):
    report = learn(node, 99, canvas=[30, 40])
    assert report["losses"] is None
    assert report["updates"] == 99


def test_networks_that_diverge_say_so(node):
    with pytest.raises(RuntimeError) as error:
        learn(node, 100, learning_rate=1e38)
    message = 'network "ones" diverged within 100 updates: .* Lower learning_rate'
    assert re.search(message, str(error.value))
