// Evaluates in Node what node.py asks for, a line of JSON each: [function, argument]. Functions
// see what the modules export whose addresses are the program's arguments, and what is below.
import { createInterface } from "node:readline";

for (const address of process.argv.slice(2)) Object.assign(globalThis, await import(address));

const base64 = (values) => Buffer.from(Float32Array.from(values).buffer).toString("base64");

// `globalThis.build` is a build of the network's module, once a test has set it.
async function createNetwork({ rows, cols, weights }) {
  globalThis.module ??= await compileNetwork([globalThis.build]);
  return Network.create(globalThis.module, { rows, cols, weights: floatsOf(weights) });
}

// Gain, probabilities and gradients for the first image, and the weights after an update
// on each, by each of the optimisers: see `Results` in network_twice.py.
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
      if (!found.length) found.push(...[gain, probabilities, network.gradients].map(base64));
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

Object.assign(globalThis, { base64, createNetwork, errorOf, learned, learnedInPairs });

for await (const line of createInterface({ input: process.stdin })) {
  const [text, argument] = JSON.parse(line);
  let answer;
  try {
    answer = { value: await (0, eval)(`(${text})`)(argument) };
  } catch (error) {
    answer = { error: error.stack };
  }
  console.log(JSON.stringify(answer));
}
