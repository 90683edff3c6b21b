// The views of one digit: what noise does to it, what a network answers, where it attends.
//
// Data: `digits` (data.js), `networks`: { name: { label, weights } }, `wasm`, and for attention
// `control` (the name of the network trained without), `parameters` of kinds, and
// `gain_colours`: 256 x (red, green, blue).
import { digitsOf, imageOf } from "./data.js";
import { randomNumbers } from "./displays.js";
import { Network, argmax, bytesOf, compileNetwork, floatsOf } from "./network.js";
import { NOISES } from "./noise.js";
import { makePad } from "./pad.js";
import { levelText, packed } from "./panels.js";

const BAR = 15; // grey levels in a bar of a histogram; black and white are middles of bars
const EDGES = Array.from({ length: 53 }, (_, i) => -262.5 + BAR * i);
const GAIN_MAXIMUM = 4; // the last colour: this gain, or more
const SEARCHED = 200; // digits among which a view looks for one to begin with

export const noiseView = {
  layouts: [
    {
      size: [860, 290],
      panels: [
        ["image", [10, 36, 224, 224]],
        ["histogram", [310, 36, 230, 200]],
        ["answer", [610, 36, 240, 200]],
      ],
    },
    {
      size: [380, 730],
      panels: [
        ["image", [8, 30, 200, 200]],
        ["histogram", [58, 276, 306, 150]],
        ["answer", [58, 512, 306, 150]],
      ],
    },
  ],

  async start({ data, controls }) {
    const digits = await digitsOf(data.digits);
    const [network] = Object.values(await makeNetworks(data, digits));
    const noisy = makeNoise(controls, digits);
    return (values) => {
      const seen = noisy(digitAt(digits, values["digit-slider"]), values);
      network.look(seen.greys);
      const p = network.answerAtOnce();
      return {
        ...seen,
        histogram: histogramOf(seen.greys),
        edges: EDGES,
        question: "What the network answers",
        answers: [{ name: "", p }],
        words: `${seen.words}: the network answers ${likeliest(p)}`,
      };
    };
  },
};

export const attentionView = {
  layouts: [
    {
      size: [620, 500],
      panels: [
        ["image", [10, 36, 224, 224]],
        ["map", [260, 36, 224, 224]],
        ["legend", [498, 36, 14, 224]],
        ["answer", [54, 320, 310, 140]],
        ["profile", [424, 320, 176, 140]],
      ],
    },
    {
      size: [380, 680],
      panels: [
        ["image", [8, 30, 176, 176]],
        ["map", [196, 30, 176, 176]],
        ["legend", [8, 220, 364, 14]],
        ["answer", [58, 294, 310, 130]],
        ["profile", [58, 510, 310, 120]],
      ],
    },
  ],

  async start(explorer) {
    const { controls, data } = explorer;
    const digits = await digitsOf(data.digits);
    const networks = await makeNetworks(data, digits);
    const noisy = makeNoise(controls, digits);
    const pad = makePad(explorer.beside, digits, () => explorer.request());
    const colours = coloursOf(data.gain_colours);
    const map = controls.described["attention-select"];

    // What the network that is chosen makes of an image, with its map and without.
    function lookAt(greys, values) {
      const network = networks[values["network-select"]];
      const { rows, cols } = network.look(greys);
      const without = network.answerAtOnce();
      const gains = network.attend(values["attention-select"], settingsOf(values, data));
      return { gains, gainShape: [rows, cols], without, p: network.answer() };
    }

    // Attention helps where the network trained without it is wrong, and the chosen network is
    // wrong without its map and right with it, in the noise that is chosen.
    beginWithHelped(explorer, digits, (label, index, values) => {
      const { greys } = noisy(digitAt(digits, index), values);
      const control = networks[data.control];
      control.look(greys);
      if (argmax(control.answerAtOnce()) === label) return false;
      const { p, without } = lookAt(greys, values);
      return argmax(p) === label && argmax(without) !== label;
    });

    let shown = controls.get("digit-slider");
    return (values) => {
      if (shown !== (shown = values["digit-slider"])) pad.clear();
      const drawn = { greys: pad.image(), label: null, subject: "your drawing" };
      const seen = noisy(drawn.greys ? drawn : digitAt(digits, shown), values);
      const { p, without, ...gains } = lookAt(seen.greys, values);
      return {
        ...seen,
        ...gains,
        ...colours,
        question: "The answer",
        answers: [{ name: "with attention", p }, { name: "without", p: without }],
        words:
          `${seen.words}; ${mapWords(map, values)}: ${likeliest(p)}; ` +
          `without attention ${likeliest(without)}`,
      };
    };
  },
};

// Networks by name, each ready to look at images of one size.
export async function makeNetworks({ wasm, networks }, { rows, cols }) {
  const module = await compileNetwork(wasm);
  const made = {};
  for (const [name, { weights }] of Object.entries(networks)) {
    made[name] = await Network.create(module, { rows, cols, weights: floatsOf(weights) });
  }
  return made;
}

// Begins with the first digit that attention helps, unless a control has been moved:
// isHelped(label, index, values of the controls).
export function beginWithHelped({ controls, description }, { labels }, isHelped) {
  if (!(description.begins ?? true) || !controls.isUntouched()) return;
  const values = controls.values();
  const searched = labels.slice(0, SEARCHED);
  const found = searched.findIndex((label, index) => isHelped(label, index, values));
  if (found >= 0) controls.begin({ "digit-slider": found });
}

function digitAt(digits, index) {
  const label = digits.labels[index];
  return { greys: imageOf(digits, index), label, subject: `digit ${index} (label ${label})` };
}

// Adds the noise that the controls choose. It is drawn anew for each press of the button, and
// is the same for every digit and level.
function makeNoise(controls, { rows, cols }) {
  const { by } = controls.described["noise-slider"];
  let [wanted, drawn] = ["", null];
  return ({ greys, label, subject }, values) => {
    const { "noise-select": kind, "noise-slider": level, "fresh-draw": draw } = values;
    if (wanted !== (wanted = `${kind} ${draw}`)) {
      drawn = NOISES[kind].draw(greys.length, randomNumbers(draw));
    }
    const noisy = NOISES[kind].apply(greys, level, drawn);
    return {
      greys: noisy,
      image: Uint8ClampedArray.from(noisy), // as a screen shows it
      shape: [rows, cols],
      label,
      level,
      unit: by["noise-select"][kind].unit,
      words: `${subject}, noise ${levelText(level)}`,
    };
  };
}

// How often each grey level occurs; what is beyond the bars is counted in the outermost.
function histogramOf(greys) {
  const [shares, last] = [new Float32Array(EDGES.length - 1), EDGES.length - 2];
  for (const grey of greys) {
    const bar = Math.floor((grey - EDGES[0]) / BAR);
    shares[Math.min(Math.max(bar, 0), last)] += 1 / greys.length;
  }
  return shares;
}

// The settings of the map that is chosen: a kind's own parameters, and those on sliders.
function settingsOf(values, { parameters }) {
  const kind = values["attention-select"];
  const moved = {
    top_n: { n: values["top-n-slider"] },
    normalised: { sigma: values["sigma-slider"] },
  };
  return { strength: values["strength-slider"], ...parameters[kind], ...moved[kind] };
}

function mapWords({ options }, values) {
  const kind = values["attention-select"];
  const [label] = options.find(([, each]) => each === kind);
  const n = values["top-n-slider"];
  const likeliest = n === 1 ? "likeliest digit" : `${n} likeliest digits`;
  let words = label.replace("N likeliest digits", likeliest);
  if (kind === "normalised") words += ` (sigma ${values["sigma-slider"].toFixed(2)})`;
  if (kind === "as_coded") return words;
  return `${words}, strength ${values["strength-slider"].toFixed(2)}`;
}

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

export const likeliest = (p) => `${argmax(p)} (${Math.round(100 * Math.max(...p))}%)`;
