// How one number of a layer was made: the numbers that it comes from, and lines of arithmetic
// that add up as they are printed. Layers have the names that utils.model.predict gives them.
import { KINDS } from "../kinds.js";
import { WEIGHTS, sizeOf } from "../network.js";

const ALIGNMENT = 16; // bytes, of network.c
const BORDER = 2; // places of padding on each side
const TEN = "of the digits 0 to 4, and 5 to 9";

export const range = (count, of) => Array.from({ length: count }, (_, i) => of(i));
const sumOf = (values) => values.reduce((sum, each) => sum + each, 0);
const squareOf = (size, of) => range(size * size, (i) => of(Math.floor(i / size), i % size, i));

// A layer { rows, cols, channels, at, map }: `at` gives 0 in the padding, which `values` may
// hold as a border; `map` gives one channel, place by place.
function layerOf([rows, cols], channels, values, border = 0) {
  const at = (row, col, channel = 0) => {
    if (row < 0 || col < 0 || row >= rows || col >= cols) return 0;
    const place = (row + border) * (cols + 2 * border) + col + border;
    return values[place * channels + channel];
  };
  const map = (c) => range(rows * cols, (i) => at(Math.floor(i / cols), i % cols, c));
  return { rows, cols, channels, at, map };
}

// All layers of a network that has answered, by name. They lie in the memory of its module.
export function layersOf({ rows, cols, seen, logits, probabilities }) {
  const half = (size) => Math.floor((size - 1) / 2);
  const [canvas, map] = [[rows, cols], [seen.rows, seen.cols]];
  const [pooled, last, one] = [canvas.map(half), map.map(half), [1, 1]];
  const layers = {
    "dense_2 again": layerOf(one, 10, logits),
    softmax: layerOf(one, 10, probabilities),
  };
  let address = seen.features.byteOffset;
  for (const [name, size, channels, border = 0] of [
    // In the order of `setup` in network.c; gradients are without a name.
    ...[["conv_2", map, 32], ["", map, 32], ["dense_2", map, 10], ["", map, 10]],
    ...[["attention", map, 1], ["", map, 1], ["images", canvas, 1, 1]],
    ...[["conv_1", canvas, 32], ["", canvas, 32], ["pool_1", pooled, 32], ["", pooled, 32]],
    ...[["normalise_1", pooled, 32, BORDER], ["", pooled, 32]],
    ...[["attend", pooled, 32, BORDER], ["", pooled, 32], ["conv_2 again", map, 32]],
    ...[["", map, 32], ["pool_2", last, 32], ["", last, 32], ["normalise_2", last, 32]],
  ]) {
    const length = sizeOf(size.map((each) => each + 2 * border)) * channels;
    const values = new Float32Array(seen.features.buffer, address, length);
    layers[name] = layerOf(size, channels, values, border);
    address += Math.ceil(values.byteLength / ALIGNMENT) * ALIGNMENT;
  }
  const places = sizeOf(last.map((size) => size + 2 * BORDER)); // the border is averaged, too
  const means = range(32, (c) => sumOf(layers.normalise_2.map(c)) / places);
  return { ...layers, dense_1: { ...layerOf(one, 32, means), places } };
}

function weightsOf({ weights }, name) {
  const names = Object.keys(WEIGHTS);
  const start = sumOf(names.slice(0, names.indexOf(name)).map((each) => sizeOf(WEIGHTS[each])));
  return weights.subarray(start, start + sizeOf(WEIGHTS[name]));
}

// --- Numbers as they are printed ------------------------------------------------------

// Decimals that show the largest of some values in so many digits; none for whole numbers.
function decimalsOf(values, digits) {
  const largest = Math.max(...values.map(Math.abs));
  if (!largest || values.every(Number.isInteger)) return 0;
  return Math.min(Math.max(digits - 1 - Math.floor(Math.log10(largest)), 0), 6);
}

function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? "0" : text.replace("-", "−");
}

const short = (value, digits) => fixed(value, decimalsOf([value], digits));
const allFixed = (values, decimals) => values.map((each) => fixed(each, decimals));
const added = (texts) => texts.join(" + ").replaceAll("+ −", "− ");

// --- Steps ----------------------------------------------------------------------------

// The step that made the chosen number.
//
//   inputs  [layer, row, col, size]: a window that it was made from; the first is shown large
//   grids   [title, printed numbers, how many in a row, which of them is marked]
//   lines   "... = result", the result within one unit of its last digit
const step = (inputs, grids, ...lines) => ({ inputs, grids, lines });

// `chosen`: { layer, row, col, channel (of conv_1), feature (a channel of conv_2), digit }, and
// `kind` and `settings` of attention.
export const stepOf = (network, layers, chosen) =>
  MAKERS[chosen.layer]({ ...chosen, network, layers });

const MAKERS = {
  images: ({ layers, row, col }) =>
    step([], [], `grey level ${short(layers.images.at(row, col), 5)}, with its noise`),
  conv_1: (here) => weighted(here, "images", "conv_1", 0, here.channel, -1),
  pool_1: (here) => pooled(here, "conv_1", here.channel),
  normalise_1: (here) => normalised(here, "pool_1", here.channel),
  conv_2: (here) => weighted(here, "normalise_1", "conv_2", here.channel, here.feature, -2),
  dense_2: (here) => weighted(here, "conv_2", "dense_2", here.feature, here.digit),
  attention: attended,
  attend({ layers, row, col, channel }) {
    const x = layers.normalise_1.at(row, col, channel);
    const place = [row + 1, col + 1]; // the gain's outermost ring multiplies padding
    const gain = layers.attention.at(...place);
    const inputs = [["normalise_1", row, col, 1], ["attention", ...place, 1]];
    return step(inputs, [], `${short(x, 5)} × ${short(gain, 5)} (gain) = ${short(x * gain, 3)}`);
  },
  "conv_2 again": (here) => weighted(here, "attend", "conv_2", here.channel, here.feature, -2),
  pool_2: (here) => pooled(here, "conv_2 again", here.feature),
  normalise_2: (here) => normalised(here, "pool_2", here.feature),
  dense_1({ layers, feature }) {
    const { rows, cols, map } = layers.normalise_2;
    const [sum, { places }] = [sumOf(map(feature)), layers.dense_1];
    const shown = `${short(sum, 6)} (sum over ${rows} × ${cols} places)`;
    const line = `${shown} / ${places} (places with the border) = ${short(sum / places, 4)}`;
    return step([["normalise_2", 0, 0, rows, cols]], [], line);
  },
  "dense_2 again": (here) => weighted(here, "dense_1", "dense_2", here.feature, here.digit),
  softmax({ layers, digit }) {
    const scores = range(10, (k) => layers["dense_2 again"].at(0, 0, k));
    const largest = Math.max(...scores);
    const powers = scores.map((each) => Math.exp(each - largest));
    const [texts, sum] = [allFixed(powers, 5), sumOf(powers)];
    const share = powers[digit] / sum;
    return step(
      [["dense_2 again", 0, 0, 1]],
      [[`exp(score − largest) ${TEN}`, texts, 5, digit]],
      `exp(${added(allFixed([scores[digit], -largest], 6))}) = ${texts[digit]}`,
      `${added(texts)} = ${fixed(sum, 4)}`,
      `${texts[digit]} / ${fixed(sum, 4)} = ${fixed(share, share < 0.01 ? 5 : 3)}`,
    );
  },
};

// A convolution, or dense_2 at one place: a window of one channel times its kernel, what the
// other channels give, the bias, ReLU. The sum has one decimal less than its terms, and factors
// have as many as their products need, so that all of it adds up as it is printed.
function weighted(here, before, name, from, to, offset = 0) {
  const { rows, channels, at } = here.layers[before];
  const kernel = weightsOf(here.network, `${name}/kernel`);
  const biases = weightsOf(here.network, `${name}/bias`);
  const size = offset ? 3 : 1;
  const [row, col] = rows > 1 ? [here.row + offset, here.col + offset] : [0, 0];
  const inputs = (c) => squareOf(size, (y, x) => at(row + y, col + x, c));
  const weights = (c) => range(size * size, (i) => kernel[(i * channels + c) * biases.length + to]);
  const products = (c, w = weights(c)) => inputs(c).map((each, i) => each * w[i]);
  const sums = range(channels, (c) => (c === from ? 0 : sumOf(products(c))));
  const terms = [...products(from), ...(channels > 1 ? [sumOf(sums)] : []), biases[to]];
  const decimals = Math.max(decimalsOf(terms, 4), 1);
  const factors = (values, beside) => {
    const most = Math.log10(2 * Math.max(...beside.map(Math.abs), 1e-9));
    const needed = Math.max(Math.ceil(decimals + most), decimalsOf(values, 3));
    return allFixed(values, values.every(Number.isInteger) ? 0 : needed);
  };
  const texts = allFixed(terms, decimals);
  const [own, rest] = [texts.slice(0, size * size), texts.slice(size * size, -1)];
  const others = rest.map((each) => `${each} (other channels)`);
  const [sum, rectified] = allFixed([sumOf(terms), Math.max(sumOf(terms), 0)], decimals - 1);
  const [x, w] = [inputs(from), weights(from)];
  const grids = [
    [channels > 1 ? `Channel ${from}` : "Window", factors(x, w), size],
    ["Kernel", factors(w, x), size],
    [offset ? "Products" : "Product", own, size],
  ];
  const line = `${added([...own, ...others, `${texts.at(-1)} (bias)`])} = ${sum}`;
  if (offset) return step([[before, row, col, 3]], grids, line, `max(0, ${sum}) = ${rectified}`);
  const ten = range(10, (k) => here.layers[here.layer].at(row, col, k));
  const evidence = [`Numbers ${TEN}`, allFixed(ten, decimalsOf(ten, 4)), 5, to];
  return step([[before, row, col, 1]], [...grids, evidence], line);
}

function pooled({ layers, row, col }, before, channel) {
  const values = squareOf(3, (y, x) => layers[before].at(2 * row + y, 2 * col + x, channel));
  const texts = allFixed(values, decimalsOf(values, 4));
  const largest = values.indexOf(Math.max(...values));
  const line = `max(${texts.join(", ")}) = ${texts[largest]}`;
  return step([[before, 2 * row, 2 * col, 3]], [["Window", texts, 3, largest]], line);
}

function normalised({ layers, row, col }, before, channel) {
  const [first, last] = [Math.max(channel - 2, 0), Math.min(channel + 2, 31)];
  const values = range(last - first + 1, (i) => layers[before].at(row, col, first + i));
  const [texts, own] = [allFixed(values, decimalsOf(values, 5)), values[channel - first]];
  const sum = 2 + 0.0001 * sumOf(values.map((each) => each ** 2));
  return step(
    [[before, row, col, 1]],
    [[`Channels ${first} to ${last}`, texts, 5, channel - first]],
    `2 + 0.0001 × (${texts.map((each) => `${each}²`).join(" + ")}) = ${short(sum, 4)}`,
    `${short(own, 5)} / ${short(sum, 4)}^0.75 = ${short(own / sum ** 0.75, 3)}`,
  );
}

// The gain: the kind's map at the place, divided by what it is divided by at every place.
function attended({ layers, network: { seen }, kind, settings, row, col }) {
  const [gains, place] = [layers.attention.map(0), row * seen.cols + col];
  const gain = short(gains[place], 3);
  if (gains.every((each) => each === gains[0])) {
    return step([], [], `the gain is ${gain} at every place`);
  }
  const isActivity = ["energy", "place", "normalised"].includes(kind);
  const { attend, parameters } = KINDS[isActivity ? "energy" : kind];
  const map = attend(seen, { ...parameters, ...settings }).values;
  const [here, all] = [map[place], sumOf(map) / sumOf(gains)].map((each) => short(each, 6));
  const activity = `${short(32 * map[place], 7)} (sum of 32 activities) / 32 = ${here}`;
  return step(
    isActivity ? [["conv_2", row, col, 1]] : [],
    [],
    isActivity ? activity : `the map is ${here} here`,
    `${here} / ${all} (divisor of all places) = ${gain}`,
  );
}
