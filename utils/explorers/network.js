// The network in a page: network.wasm behind an interface.
//
// Scripts import each other by relative names only. packing.py joins them to one script, which
// makes no network requests and runs as a module of a page or as a worker from a blob. The
// files themselves run in Node. The builds of network.c are passed as data (compiling.js).
//
//   const module = await compileNetwork(builds);
//   const network = await Network.create(module, { rows: 28, cols: 28, weights });
//   network.look(image);
//   network.attend("energy", { strength: 0.5 });
//   const probabilities = network.answer();
//   const loss = network.addGradients(7);
//   network.update({ learning_rate: 0.01 });
import { attentionGain, KINDS } from "./kinds.js";

// The order in which the weights lie one behind the other; each has the layout of Keras.
export const WEIGHTS = {
  "conv_1/kernel": [3, 3, 1, 32],
  "conv_1/bias": [32],
  "conv_2/kernel": [3, 3, 32, 32],
  "conv_2/bias": [32],
  "dense_2/kernel": [32, 10],
  "dense_2/bias": [10],
};

export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);
const ALL_WEIGHTS = Object.values(WEIGHTS).reduce((sum, shape) => sum + sizeOf(shape), 0);
const CLIP = 1e-7; // Keras keeps probabilities this far from 0 and 1 in its loss

// How far the network has come with an image, and the call that leads there.
const STEPS = ["Network.create()", "look(image)", "attend(kind)", "answer()"];
const [, LOOKED, ATTENDED, ANSWERED] = STEPS.keys();

export class Network {
  // `module` from compileNetwork; rows and cols of the canvas, pixels, 3 to 76 each; weights
  // as for setWeights.
  static async create(module, { rows, cols, weights }) {
    const { exports } = await WebAssembly.instantiate(module);
    exports.setup(rows, cols);
    const network = new Network(exports, rows, cols);
    network.setWeights(weights);
    return network;
  }

  // `wasm`: the exports of an instance that is set up for this canvas.
  constructor(wasm, rows, cols) {
    const { buffer } = wasm.memory;
    const array = (name, length) => new Float32Array(buffer, wasm[name].value, length);
    const pointed = (name, length) => {
      const [address] = new Uint32Array(buffer, wasm[name].value, 1);
      return new Float32Array(buffer, address, length);
    };
    const [mapRows, mapCols] = [rows, cols].map((size) => Math.floor((size - 1) / 2) + 2);
    const places = mapRows * mapCols;

    this.wasm = wasm;
    this.rows = rows;
    this.cols = cols;
    this.weights = array("weights", ALL_WEIGHTS); // to be read; setWeights writes them
    this.gradients = array("weights_gradient", ALL_WEIGHTS); // sums since the last update
    this.logits = array("logits", 10);
    this.logitsGradient = array("logits_gradient", 10);
    this.image = pointed("image", rows * cols);
    this.gain = pointed("gain", places);
    this.gainGradient = pointed("gain_gradient", places);
    this.seen = {
      rows: mapRows,
      cols: mapCols,
      features: pointed("features", places * 32),
      evidence: pointed("evidence", places * 10),
      featuresGradient: pointed("features_gradient", places * 32),
      evidenceGradient: pointed("evidence_gradient", places * 10),
    };
    this.step = 0;
  }

  // 9,898 numbers in the order of WEIGHTS. The optimiser begins anew with them.
  setWeights(weights) {
    this.weights.set(weights);
    this.wasm.forget();
    this.updates = 0;
    this.gathered = 0; // images whose gradients wait for an update
    this.step = 0;
  }

  // The first look at an image, `rows * cols` grey levels: { rows, cols, features,
  // evidence } of the map, see kinds.js. The next look writes into the same arrays. With the
  // name of a kind, features and evidence are not computed if that kind does not need them.
  look(image, kind) {
    if (image?.length !== this.image.length) {
      throw new Error(
        `Expected an image of ${this.rows} x ${this.cols} = ${this.image.length} grey ` +
          `levels; received ${image?.length}. Create a network for each size of image.`,
      );
    }
    this.image.set(image);
    if (KINDS[kind]?.isBlind) this.wasm.see();
    else this.wasm.look();
    this.step = LOOKED;
    return this.seen;
  }

  // The gain at each place of the map that a kind makes from the first look. `settings` are
  // the strength and the parameters of the kind.
  attend(kind, settings) {
    this.expect(LOOKED, "attend");
    const { values, backward } = attentionGain(kind, this.seen, settings);
    this.gain.set(values);
    this.attentionBackward = backward;
    this.step = ATTENDED;
    return this.gain;
  }

  // The ten probabilities after the second look, through the gain.
  answer() {
    this.expect(ATTENDED, "answer");
    this.wasm.look_again();
    this.step = ANSWERED;
    return (this.probabilities = softmax(this.logits));
  }

  // The ten probabilities after the first look: those of a network without attention.
  answerAtOnce() {
    this.expect(LOOKED, "answerAtOnce");
    this.wasm.answer_at_once();
    this.step = Math.min(this.step, ATTENDED);
    return softmax(this.logits);
  }

  // Adds the gradients of the loss of the last answer, and returns the loss,
  // -log p(label). As in Keras it is clipped, and has no gradient beyond that.
  addGradients(label) {
    this.expect(ANSWERED, "addGradients");
    const p = this.probabilities;
    const clipped = Math.min(Math.max(p[label], CLIP), 1 - CLIP);
    const counts = clipped === p[label] ? 1 : 0;
    p.forEach((each, k) => {
      this.logitsGradient[k] = counts * (each - (k === label ? 1 : 0));
    });
    this.wasm.look_again_backward();
    this.attentionBackward?.(this.gainGradient);
    this.wasm.look_backward(this.attentionBackward ? 1 : 0);
    this.gathered += 1;
    return -Math.log(clipped);
  }

  // One step along the mean of the gathered gradients, which are then forgotten. Names and
  // defaults are those of RunSpec (utils.training).
  update({
    optimizer = "sgd",
    learning_rate = 0.01,
    momentum = 0.5,
    learning_rate_decay = 1e-6,
  } = {}) {
    if (!this.gathered) {
      throw new Error(
        "update() follows gradients; received none since the last update. Call " +
          "addGradients(label) first, once for each image of a batch.",
      );
    }
    const rate = learning_rate / (1 + learning_rate_decay * this.updates);
    if (optimizer === "sgd") {
      this.wasm.update_by_sgd(this.gathered, rate, momentum);
    } else {
      const t = this.updates + 1;
      const correction = Math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t);
      this.wasm.update_by_adam(this.gathered, rate * correction);
    }
    this.updates += 1;
    this.gathered = 0;
    this.step = 0;
  }

  expect(step, call) {
    if (this.step >= step) return;
    throw new Error(
      `${call}() works on the result of ${STEPS[step]}; received none since ` +
        `${STEPS[this.step]}. Call ${STEPS[step]} first.`,
    );
  }
}

// Bytes and float32 numbers that Python packs as text in base64.
export const bytesOf = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
export const floatsOf = (text) => new Float32Array(bytesOf(text).buffer);

export const argmax = (p) => p.indexOf(Math.max(...p));

// p[k] = exp z[k] / sum_j exp z[j]
function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
