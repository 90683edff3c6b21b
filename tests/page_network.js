// What the tests call in a page, after the project's own scripts; `window.wasm` is set.

const module = compileNetwork(window.wasm);

function base64(values) {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

async function createNetwork({ rows, cols, weights }) {
  return Network.create(await module, { rows, cols, weights: floatsOf(weights) });
}

// Gain, probabilities and gradients for the first image, and the weights after an update
// on each, by each of the optimisers: see `Results` in page_network.py.
async function learned({ kind, settings, images, labels, optimizers, ...start }) {
  const network = await createNetwork(start);
  const found = [];
  for (const optimizer of optimizers) {
    network.setWeights(floatsOf(start.weights));
    images.forEach((image, i) => {
      network.look(floatsOf(image), kind);
      const gain = network.attend(kind, settings);
      const probabilities = network.answer();
      network.addGradients(labels[i]);
      if (!found.length)
        found.push(...[gain, probabilities, network.gradients].map(base64));
      network.update(optimizer);
    });
    found.push(base64(network.weights));
  }
  return found;
}

// The gradients of each update on batches of two, summed, and the weights at the end.
async function learnedInPairs({ images, labels, optimizer, ...start }) {
  const network = await createNetwork(start);
  const gradients = [];
  images.forEach((image, i) => {
    network.look(floatsOf(image));
    network.attend("energy");
    network.answer();
    network.addGradients(labels[i]);
    if (i % 2 === 0) return;
    gradients.push(base64(network.gradients));
    network.update(optimizer);
  });
  return [gradients, base64(network.weights)];
}

// The sentence of the error that a call ends with.
async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    return error.message;
  }
  return "no error";
}

// All that a learning worker posts, and a promise of the first message that fits.
function listenTo(worker) {
  const heard = [];
  let wake = () => {};
  worker.onmessage = ({ data }) => {
    heard.push(data);
    wake();
  };
  worker.onerror = ({ message }) => worker.onmessage({ data: { error: message } });
  const next = async (fits) => {
    for (let read = 0; ;) {
      for (; read < heard.length; read++) if (fits(heard[read])) return heard[read];
      await new Promise((resolve) => (wake = resolve));
    }
  };
  return { heard, next };
}

Object.assign(window, { KINDS, Network, Comparison, compileNetwork, makeLearningWorker });
Object.assign(window, { addNoise, base64, module, endlessOrder, randomNumbers, showDigit });
Object.assign(window, {
  createNetwork,
  errorOf,
  floatsOf,
  learned,
  learnedInPairs,
  listenTo,
});
window.ready = true;
