// Networks that learn side by side, in a worker of the page: the same initial weights, order
// of digits, places and noise; only their attention differs.
//
// The page sends the worker { do, ... }:
//
//   "start"           `wasm` (bytes or base64), `digits` and `test_digits`, each
//                     { rows, cols, images, labels } (grey levels, one digit after the
//                     other), and `settings`: kinds (of attention, one for each network),
//                     parameters (of each kind, with its strength), noise_sd (in training,
//                     grey levels), noise_varies (each display's SD is from 0 to noise_sd),
//                     test_noise_sd, canvas [rows, cols], optimizer ("sgd" or "adam"),
//                     learning_rate, learning_rate_decay, batch (displays of an update), seed
//   "pause", "go on"
//   "set test noise"  `sd`: SD of the noise at test, grey levels
//
// The worker posts { updates, accuracies, losses, weights, test_noise_sd, updates_per_second }:
// at the start, after each hundred updates, and when the test noise is set. Of each network,
// accuracies has the share of right answers to the test displays, which stay the same, and
// losses the mean over the last full hundred updates. An update trains all networks on one
// batch; time for tests is not counted. A value that is not known yet is null. If something goes
// wrong, the worker posts { error }, a sentence, and pauses.
import { Network, WEIGHTS, argmax, compileNetwork, sizeOf } from "./network.js";
import {
  addNoise,
  drawNoise,
  endlessOrder,
  randomNumbers,
  showDigit,
  withNoise,
} from "./stimuli.js";

const UPDATES_PER_REPORT = 100;
const SLICE = 50; // ms of learning, after which the worker hears messages

// Independent streams of random numbers of a seed. All seeds share their test displays.
const STREAMS = { weights: 0, order: 1, places: 2, noise: 3, test: 4 };

// The limits of uniform initial weights, as in utils.model.build_model: for convolutions
// sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010). Biases are 0.
const LIMITS = {
  "conv_1/kernel": Math.sqrt(6 / (9 + 9 * 32)),
  "conv_2/kernel": Math.sqrt(6 / (9 * 32 + 9 * 32)),
  "dense_2/kernel": 0.05,
};

// --- The worker -----------------------------------------------------------------------

// Makes the worker. `script` is the text of a script that defines `answerMessages`.
export function makeLearningWorker(script) {
  const text = `${script}\nanswerMessages(self);`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}

// Answers the messages above, one after the other. `scope`: a worker's global scope.
export function answerMessages(scope) {
  let comparison = null; // after "start"
  let timer = null; // while learning
  let spent = 0; // ms of learning since the last full hundred updates
  let rate = null;

  const report = () =>
    scope.postMessage({ ...comparison.report(), updates_per_second: rate });

  function learn() {
    const start = performance.now();
    do comparison.update();
    while (comparison.updates % UPDATES_PER_REPORT && performance.now() < start + SLICE);
    spent += performance.now() - start;
    if (comparison.updates % UPDATES_PER_REPORT === 0) {
      rate = (1000 * UPDATES_PER_REPORT) / spent;
      spent = 0;
      report();
    }
    timer = setTimeout(attempt, 0, learn);
  }

  function pause() {
    clearTimeout(timer);
    timer = null;
  }

  async function start(message) {
    pause();
    comparison = await Comparison.create(message);
    [spent, rate] = [0, null];
    report();
    learn();
  }

  const calls = {
    start,
    pause,
    "go on": () => timer ?? learn(),
    "set test noise": ({ sd }) => {
      comparison.setTestNoise(sd);
      report();
    },
  };

  async function attempt(call, message) {
    try {
      await call(message);
    } catch (error) {
      pause();
      scope.postMessage({ error: error.message });
    }
  }

  let heard = Promise.resolve();
  scope.onmessage = ({ data }) => {
    heard = heard.then(() => attempt(calls[data.do], data));
  };
}

// --- Networks that learn from the same displays ---------------------------------------

export class Comparison {
  // From the message "start".
  static async create({ wasm, digits, test_digits, settings }) {
    const module = await compileNetwork(wasm);
    const [rows, cols] = settings.canvas;
    const weights = initialWeights(randomNumbers(settings.seed, STREAMS.weights));
    const networks = await Promise.all(
      settings.kinds.map(() => Network.create(module, { rows, cols, weights })),
    );
    return new Comparison(networks, digits, test_digits, settings);
  }

  constructor(networks, digits, testDigits, settings) {
    const stream = (name) => randomNumbers(settings.seed, STREAMS[name]);
    this.networks = networks;
    this.settings = settings;
    this.digits = digits;
    this.order = endlessOrder(digits.labels.length, stream("order"));
    this.places = stream("places");
    this.noise = stream("noise");
    this.updates = 0;
    this.summedLosses = networks.map(() => 0);
    this.losses = null;

    const random = randomNumbers(0, STREAMS.test);
    this.tests = Array.from(testDigits.labels, (label, index) => {
      const image = showDigit(testDigits, index, settings.canvas, random);
      return { label, image, noise: drawNoise(image.length, random) };
    });
  }

  // Trains every network on one batch.
  update() {
    for (let i = 0; i < this.settings.batch; i++) {
      const { image, label } = this.nextDisplay();
      this.networks.forEach((network, n) => {
        this.answer(n, image);
        this.summedLosses[n] += network.addGradients(label);
      });
    }
    for (const network of this.networks) network.update(this.settings);
    this.updates += 1;
    if (this.updates % UPDATES_PER_REPORT) return;
    const images = UPDATES_PER_REPORT * this.settings.batch;
    this.losses = this.summedLosses.map((sum) => sum / images);
    this.summedLosses.fill(0);
  }

  nextDisplay() {
    const { canvas, noise_sd, noise_varies } = this.settings;
    const index = this.order.next().value;
    const image = showDigit(this.digits, index, canvas, this.places);
    const share = noise_varies ? this.noise() : 1;
    return {
      image: addNoise(image, share * noise_sd, this.noise),
      label: this.digits.labels[index],
    };
  }

  answer(n, image) {
    const [network, kind] = [this.networks[n], this.settings.kinds[n]];
    network.look(image, kind);
    network.attend(kind, this.settings.parameters[n]);
    return network.answer();
  }

  setTestNoise(sd) {
    this.settings.test_noise_sd = sd;
  }

  report() {
    const { test_noise_sd } = this.settings;
    this.networks.forEach((_, n) => this.checkProgress(n));
    return {
      updates: this.updates,
      accuracies: this.networks.map((_, n) => this.accuracy(n)),
      losses: this.losses,
      weights: this.networks.map(({ weights }) => weights.slice()),
      test_noise_sd,
    };
  }

  checkProgress(n) {
    const isFinite = Number.isFinite(this.losses?.[n] ?? 0);
    if (isFinite && this.networks[n].weights.every(Number.isFinite)) return;
    throw new Error(
      `The network "${this.settings.kinds[n]}" diverged within ${this.updates} updates: ` +
        `expected finite weights and losses. Lower learning_rate, which is ` +
        `${this.settings.learning_rate}, and start again.`,
    );
  }

  accuracy(n) {
    const right = this.tests.filter((test) => {
      const greys = withNoise(test.image, this.settings.test_noise_sd, test.noise);
      return argmax(this.answer(n, greys)) === test.label;
    });
    return right.length / this.tests.length;
  }
}

// In the order of WEIGHTS.
function initialWeights(random) {
  const layers = Object.entries(WEIGHTS).map(([name, shape]) => {
    const limit = LIMITS[name] ?? 0;
    return Array.from({ length: sizeOf(shape) }, () => limit * (2 * random() - 1));
  });
  return Float32Array.from(layers.flat());
}
