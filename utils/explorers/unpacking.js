// Unpacks the data that Python packs (packing.py): digits, networks, the colours of gains.
import { compileNetwork, inflated } from "./compiling.js";
import { packed } from "./drawing.js";
import { Network, bytesOf, floatsOf } from "./network.js";

const GAIN_MAXIMUM = 4; // the last colour: this gain, or more

// Inflates the images; returns digits { rows, cols, images, labels } as in stimuli.js.
export async function digitsOf({ rows, cols, images, labels }) {
  return { rows, cols, images: await inflated(images), labels };
}

// Image `index` of digits, as grey levels that noise can be added to.
export function imageOf({ rows, cols, images }, index) {
  return Float32Array.from(images.subarray(index * rows * cols, (index + 1) * rows * cols));
}

// Networks by name, each ready to look at images of one size.
export async function makeNetworks({ wasm, networks }, { rows, cols }) {
  const module = await compileNetwork(wasm);
  const made = {};
  for (const [name, { weights }] of Object.entries(networks)) {
    made[name] = await Network.create(module, { rows, cols, weights: floatsOf(weights) });
  }
  return made;
}

// Of `gain_colours`, 256 x (red, green, blue), the middle being a gain of 1.
export function coloursOf(table) {
  const bytes = bytesOf(table);
  const colour = (_, i) => packed(...bytes.subarray(3 * i, 3 * i + 3));
  const colours = Array.from({ length: 256 }, colour);
  const gainColour = (gain) => {
    const share = gain <= 1 ? gain / 2 : 0.5 + (gain - 1) / (2 * (GAIN_MAXIMUM - 1));
    return colours[Math.min(255, Math.floor(256 * share)) || 0];
  };
  return { gainColour, gainMaximum: GAIN_MAXIMUM };
}
