// Networks that learn side by side, in a worker of the page or, where it may have none, in the
// page itself: the same initial weights, order of digits, places and noise; only their attention
// differs.
//
// The page sends the worker { do, ... }:
//
//   "start"           `module` (of compileNetwork), `digits` and `test_digits`, each
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
import { Network, WEIGHTS, argmax, sizeOf } from "./network.js";
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
const SLICE_IN_PAGE = 10; // ms of learning, after which the page may draw

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

// Has networks learn in a worker. Where a content security policy forbids workers, making one
// throws, or the worker ends before it has said a word: then they learn in the page.
export class Learner {
  // `script`: text that defines `answerMessages`; `start`: the first message; `hear` is called
  // with what is posted.
  constructor(script, start, hear) {
    Object.assign(this, { hear, isHeard: false, isInPage: false, sent: [] });
    try {
      this.use(makeWorker(script));
    } catch {
      this.useThePage();
    }
    this.post(start);
  }

  use(worker) {
    this.worker = worker;
    worker.onmessage = ({ data }) => {
      this.isHeard = true;
      this.hear(data);
    };
    worker.onerror = ({ message }) => {
      if (!this.isHeard) return this.useThePage();
      this.hear({ error: `The worker has stopped ("${message}"). Press Start again.` });
    };
  }

  useThePage() {
    this.isInPage = true;
    this.use(makeLearnerInPage());
    for (const message of this.sent) this.worker.postMessage(message);
  }

  post(message) {
    if (!this.isHeard) this.sent.push(message);
    this.worker.postMessage(message);
  }

  end() {
    this.worker.terminate();
  }
}

function makeWorker(script) {
  const text = `${script}\nanswerMessages(self, ${SLICE});`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}

// Does what the worker does, in slices so short that the page keeps its frames. The object has
// those methods of a worker that `Learner` uses.
function makeLearnerInPage() {
  const inside = { postMessage: (data) => learner.onmessage({ data }) };
  const learner = {
    postMessage: (data) => inside.onmessage({ data }),
    terminate() {
      learner.onmessage = () => {};
      inside.onmessage({ data: { do: "pause" } });
    },
  };
  answerMessages(inside, SLICE_IN_PAGE);
  return learner;
}

// Answers the messages above, one after the other, and learns between them. `scope`: a worker's
// global scope. After each `slice`, ms, others have their turn: messages, or the page.
export async function answerMessages(scope, slice) {
  const messages = [];
  let wake = () => {};
  scope.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  let comparison = null; // after "start"
  let learns = false;
  let spent = 0; // ms of learning since the last full hundred updates
  let rate = null;

  let turn = performance.now(); // when the slice began
  async function run(steps) {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (performance.now() < turn + slice) continue;
      await new Promise((resume) => setTimeout(resume));
      turn = performance.now();
    }
  }

  const report = async () =>
    scope.postMessage({ ...(await run(comparison.report())), updates_per_second: rate });

  async function learn() {
    const start = performance.now();
    await run(comparison.update());
    spent += performance.now() - start;
    if (comparison.updates % UPDATES_PER_REPORT) return;
    rate = (1000 * UPDATES_PER_REPORT) / spent;
    spent = 0;
    await report();
  }

  const calls = {
    async start(message) {
      comparison = await Comparison.create(message);
      [spent, rate] = [0, null];
      await report();
      learns = true;
    },
    pause: () => (learns = false),
    "go on": () => (learns = true),
    async "set test noise"({ sd }) {
      comparison.setTestNoise(sd);
      await report();
    },
  };

  for (;;) {
    const message = messages.shift();
    try {
      if (message) await calls[message.do](message);
      else if (learns) await learn();
      else await new Promise((resume) => (wake = resume));
    } catch (error) {
      learns = false;
      scope.postMessage({ error: error.message });
    }
  }
}

// --- Networks that learn from the same displays ---------------------------------------

export class Comparison {
  // From the message "start".
  static async create({ module, digits, test_digits, settings }) {
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

  // Trains every network on one batch, in steps of one display.
  *update() {
    for (let i = 0; i < this.settings.batch; i++) {
      const { image, label } = this.nextDisplay();
      this.networks.forEach((network, n) => {
        this.answer(n, image);
        this.summedLosses[n] += network.addGradients(label);
      });
      yield;
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

  // Tests the networks, in steps of one display.
  *report() {
    const { test_noise_sd } = this.settings;
    this.networks.forEach((_, n) => this.checkProgress(n));
    const right = this.networks.map(() => 0);
    for (const { label, image, noise } of this.tests) {
      const greys = withNoise(image, test_noise_sd, noise);
      this.networks.forEach((_, n) => {
        if (argmax(this.answer(n, greys)) === label) right[n] += 1;
      });
      yield;
    }
    return {
      updates: this.updates,
      accuracies: right.map((count) => count / this.tests.length),
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
}

// In the order of WEIGHTS.
export function initialWeights(random) {
  const layers = Object.entries(WEIGHTS).map(([name, shape]) => {
    const limit = LIMITS[name] ?? 0;
    return Array.from({ length: sizeOf(shape) }, () => limit * (2 * random() - 1));
  });
  return Float32Array.from(layers.flat());
}
