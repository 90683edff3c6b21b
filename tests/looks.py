"""Random first looks, and the maps and gains that kinds of attention make of them."""

import keras
import numpy as np
import reference

from utils.attention import KINDS, Attention, attention_gain
from utils.model import build_model


def first_look(shape=(15, 15), *, images=3, scale=2.0, seed=0):
    """Random features after ReLU `(..., 32)` and evidence `(..., 10)`, float32."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((images, *shape, 32)).astype("float32")
    evidence = scale * rng.standard_normal((images, *shape, 10)).astype("float32")
    evidence += scale * rng.standard_normal((images, 1, 1, 10)).astype("float32")
    return np.maximum(scale * features, 0), evidence


def gain(kind, features, evidence, **settings):
    """Any kind's gain; `given` is given the second channel of the features."""
    if kind == "given":
        return np.asarray(Attention("given", **settings)(features[..., 1]))
    return np.asarray(attention_gain(kind, features, evidence, **settings))


def attend(kind, features, evidence, **parameters):
    """The map itself, before it becomes a gain."""
    return np.asarray(KINDS[kind].attend(features, evidence, **parameters))


def inside(maps):
    """Without the outermost ring, which multiplies padding."""
    return maps[:, 1:-1, 1:-1]


def model_of(kind, **settings):
    return reference.with_biases(build_model(kind, seed=0, **settings))


def inputs_of(model, images):
    """Images and, for `given`, random maps."""
    if model.name != "given":
        return images
    shape = (len(images), *model.inputs[1].shape[1:])
    return [images, np.random.default_rng(2).random(shape, "float32")]


def layers_of(model, inputs, names):
    """What layers give, by name; of a layer that is used twice, at the first look."""
    nodes = {name: model.get_layer(name)._inbound_nodes[0] for name in names}
    tensors = {name: node.output_tensors[0] for name, node in nodes.items()}
    return keras.Model(model.input, tensors)(inputs)
