// From the builds of the network's module that travel with a page to the one that is used.
//
// A policy may forbid WebAssembly, a browser may have it switched off, or be too old: each case has
// advice of its own. A browser may also lack SIMD instructions, or compute wrongly with them, as
// Safari did before 16.5: then the second build is used.
import { Network, bytesOf } from "./network.js";
import { randomNumbers } from "./stimuli.js";
import { initialWeights } from "./worker.js";

// The oldest that work: for Array.prototype.at in Chrome, DecompressionStream in the others.
const BROWSERS = "Chrome or Edge from 92, Firefox from 113, or Safari from 16.4";

// The answers of Keras to one image, both image and weights being random numbers of seed 0 and
// the attention `evidence`: ten probabilities before an update, and ten after it.
export const CHECK = {
  canvas: { rows: 12, cols: 14 },
  label: 3,
  settings: { learning_rate: 0.01 },
  tolerance: 1e-4,
  answers: [
    ...[0.09165, 0.15437, 0.08335, 0.08983, 0.11584, 0.0968, 0.08461, 0.06314, 0.10024, 0.12018],
    ...[0.03307, 0.04601, 0.03013, 0.68182, 0.0419, 0.03734, 0.02847, 0.02416, 0.03132, 0.04578],
  ],
};

// Inflates data that Python deflated, given in base64.
export async function inflated(text) {
  if (typeof DecompressionStream === "undefined" || !Array.prototype.at) throw tooOld();
  const stream = new Blob([bytesOf(text)]).stream();
  const response = new Response(stream.pipeThrough(new DecompressionStream("deflate")));
  return new Uint8Array(await response.arrayBuffer());
}

// Compiles builds (deflated, in base64) one by one, and returns the first module that gives these
// answers. It serves any number of networks, in the page and in workers.
export async function compileNetwork(builds) {
  const bytes = await Promise.all(builds.map(inflated));
  if (typeof WebAssembly === "undefined") {
    throw new Error(
      "Expected WebAssembly, which runs the network; this browser has it switched off. Switch " +
        "it on for this site (in Safari, turn Lockdown Mode off for the site; in Firefox, set " +
        "javascript.options.wasm to true in about:config), or open the page in another browser.",
    );
  }
  const runnable = bytes.filter((each) => WebAssembly.validate(each));
  if (!runnable.length) throw tooOld();
  for (const each of runnable) {
    const module = await compiled(each);
    if (await isRight(module).catch(() => false)) return module; // it may crash, too
  }
  throw new Error(
    "Expected the answers that Keras gives to one image; this browser does not compute them, " +
      `which is a fault of its WebAssembly. Use another browser: ${BROWSERS}.`,
  );
}

const tooOld = () =>
  new Error(
    "Expected a browser that inflates data and runs WebAssembly; this one is too old. Use " +
      `${BROWSERS}.`,
  );

// If the browser refuses a module that is valid, a policy forbids it.
async function compiled(bytes) {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new Error(
      "Expected permission to run WebAssembly; the content security policy of this site " +
        `refuses it ("${error.message}"). Ask the owner of the site to add ` +
        "'wasm-unsafe-eval' to script-src, or open the page elsewhere, such as from a disk.",
    );
  }
}

async function isRight(module) {
  const { canvas, label, settings, tolerance, answers } = CHECK;
  const random = randomNumbers(0);
  const weights = initialWeights(random);
  const network = await Network.create(module, { ...canvas, weights });
  const image = network.image.map(() => 255 * random());
  const answer = () => {
    network.look(image);
    network.attend("evidence");
    return [...network.answer()];
  };
  const first = answer();
  network.addGradients(label);
  network.update(settings);
  const found = [...first, ...answer()];
  return found.every((p, i) => Math.abs(p - answers[i]) < tolerance);
}
