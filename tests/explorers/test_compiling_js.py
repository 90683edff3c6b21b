"""The stored answers by which a page checks its module, against Keras."""

import numpy as np
from network_twice import SHAPES, apart, decoded
from node import Node

from utils.explorers.packing import NETWORK
from utils.model import build_model, predict, set_weights
from utils.training import build_optimizer

START = """() => {
  const random = randomNumbers(0), weights = initialWeights(random);
  const { rows, cols } = CHECK.canvas;
  const image = Array.from({ length: rows * cols }, () => 255 * random());
  return [CHECK, base64(weights), base64(image)];
}"""


def test_the_answers_that_check_a_module_are_those_of_keras():
    """Before an update and after it."""
    node = Node(*NETWORK)
    check, *start = node.evaluate(START)
    node.close()
    weights, image = map(decoded, start)
    shape = check["canvas"]["rows"], check["canvas"]["cols"]
    image = image.reshape(1, *shape)
    model = build_model("evidence", image_shape=shape)
    set_weights(model, dict(zip(SHAPES, apart(weights), strict=True)))
    first = predict(model, image)[0]
    optimizer = build_optimizer(check["settings"]["learning_rate"])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.train_on_batch(image[..., None], np.array([check["label"]]))
    both = np.concatenate([first, predict(model, image)[0]])
    np.testing.assert_allclose(check["answers"], both, atol=check["tolerance"] / 5)
