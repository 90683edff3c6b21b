// The view of the whole network: every layer as a picture, and how one number was made.
//
// Data: `digits`, `networks` and `wasm` (unpacking.js), `parameters` of kinds, `gain_colours`,
// `titles` of layers, `choosers`: by layer, the control that chooses its channel.
import { ARROWS, element } from "../controls.js";
import { fitted, inkColour, outline, raster, theme, write } from "../drawing.js";
import { coloursOf, digitsOf, makeNetworks } from "../unpacking.js";
import { layersOf, range, stepOf } from "./arithmetic.js";
import { digitAt, makeNoise } from "./one_digit.js";
import { makePad } from "./pad.js";

const ACROSS = 7; // pictures side by side: one row for each look
const WORDS = { "×": "times", "/": "divided by", "+": "plus", "−": "minus", "=": "is" };
const LEAST = 5; // pixels of a mark

function wholePanel(c, { x, y, width, height }, state) {
  const side = width / ACROSS - 14;
  Object.keys(state.titles).forEach((name, i) => {
    const [left, top] = [x + (i % ACROSS) * (side + 14), y + Math.floor(i / ACROSS) * height];
    picture(c, state, name, { x: left, y: top, width: side, height: side });
  });
}

function beforePanel(c, box, state) {
  state.spots = []; // layers and their boxes, as they are drawn
  if (state.step.inputs.length) picture(c, state, state.step.inputs[0][0], box);
}

const chosenPanel = (c, box, state) => picture(c, state, state.layer, box);

const pairOf = (top, side) => [
  [beforePanel, [8, top, side, side]],
  [chosenPanel, [side + 20, top, side, side]],
];

export const insideView = {
  layouts: [
    { size: [620, 504], panels: [...pairOf(248, 240), [wholePanel, [8, 22, 616, 108]]] },
    { size: [380, 216], panels: pairOf(22, 176) },
  ],

  async start(explorer) {
    const { controls, data, holder } = explorer;
    const { choosers, titles } = data;
    const digits = await digitsOf(data.digits);
    const networks = await makeNetworks(data, digits);
    const noisy = makeNoise(controls, digits);
    const pad = makePad(explorer.beside, digits, () => explorer.request());
    explorer.linked.drawing = pad;
    const colours = coloursOf(data.gain_colours);
    makePointer(explorer);
    const sums = element(holder.parentElement, "div", "explorer-sums");
    holder.after(sums);

    let shown = controls.get("digit");
    return (values) => {
      if (shown !== (shown = values.digit)) pad.clear();
      const drawing = { greys: pad.image(), label: null, subject: "your drawing" };
      const seen = noisy(drawing.greys ? drawing : digitAt(digits, shown), values);
      const { layer, evidence_digit: digit, attention: kind } = values;
      const [network, settings] = [networks[values.network], data.parameters[kind]];
      network.look(seen.greys);
      network.attend(kind, settings);
      network.answer();
      const layers = layersOf(network);
      const step = stepOf(network, layers, { ...values, digit, kind, settings });
      sums.innerHTML = sumsOf(step);
      const where = Object.values(controls.all)
        .filter(({ only }) => only?.layer?.includes(layer))
        .map(({ label, value }) => `, ${label.toLowerCase()} ${value}`);
      const spoken = step.lines.join("; ").split(" ").map((each) => WORDS[each] ?? each);
      return {
        ...{ ...values, ...colours, layers, step, titles },
        channelOf: (name) => values[choosers[name]] ?? 0,
        words: `${seen.words}; ${titles[layer]}${where.join("")}: ${spoken.join(" ")}`,
      };
    };
  },
};

// An element over the picture, by which a mouse, a finger or the arrow keys choose a place.
function makePointer(explorer) {
  const { controls, data, holder } = explorer;
  const handle = element(holder, "div", "explorer-handle");
  handle.style.cssText = "inset: 0; cursor: crosshair; touch-action: manipulation";
  handle.tabIndex = 0;
  handle.setAttribute("role", "application");
  handle.setAttribute("aria-label", "The layers of the network. Arrow keys move the chosen place.");

  const axesOf = (name) =>
    explorer.state.layers[name].rows > 1 ? ["row", "col"] : ["", data.choosers[name]];
  const choose = (name, place) => {
    if (controls.get("layer") !== name) controls.set("layer", name);
    axesOf(name).forEach((each, axis) => {
      if (each) controls.set(each, Math.min(Math.max(place[axis], 0), controls.all[each].max));
    });
  };
  let held; // a layer and its box
  const follow = (event) => {
    const [x, y] = explorer.placeOf(event);
    if (event.type === "mousedown") {
      held = explorer.state.spots.find(([, { x: left, y: top, width }]) =>
        x >= left && y >= top && x < left + width && y < top + width);
    }
    if (!held || !event.buttons) return;
    const [name, box] = held;
    const { rows, cols, channels } = explorer.state.layers[name];
    const across = rows > 1 ? fitted([rows, cols], box).pixel : box.width / channels;
    choose(name, [y - box.y, x - box.x].map((each) => Math.floor(each / across)));
  };
  handle.addEventListener("mousedown", follow);
  handle.addEventListener("mousemove", follow);
  handle.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (!move) return;
    event.preventDefault();
    const layer = controls.get("layer");
    const steps = (each, axis) => each && controls.get(each) + move[axis];
    choose(layer, axesOf(layer).map(steps));
  });
}

// One channel of a layer, with the chosen place or the window that it was made from.
function picture(c, state, name, box) {
  state.spots.push([name, box]);
  const { layers, layer, row, col, channelOf, step, titles, gainColour, gainMaximum } = state;
  const { rows, cols, channels, map } = layers[name];
  const [chosen, what] = [channelOf(name), channels === 10 ? "digit" : "channel"];
  const title = titles[name] + (box.width > 100 && channels > 1 ? `, ${what} ${chosen}` : "");
  write(c, title, box.x, box.y - 6, { size: 11, bold: name === layer, room: box.width });
  outline(c, box.x, box.y, box.width, box.height);
  if (rows === 1) return bars(c, box, range(channels, (k) => map(k)[0]), chosen);
  const { width, height, pixel } = fitted([rows, cols], box);
  const most = Math.max(...map(chosen).map(Math.abs)) || 1;
  const shade = {
    images: (grey) => inkColour(Math.min(Math.max(Math.round(grey), 0), 255)),
    attention: gainColour,
    dense_2: (value) => gainColour(1 + (value / most) * (value > 0 ? gainMaximum - 1 : 1)),
  }[name];
  const ink = (value) => inkColour(Math.round((255 * value) / most));
  raster(c, map(chosen), [rows, cols], shade ?? ink, box.x, box.y, width, height);
  const windows = step.inputs.filter(([input]) => input === name);
  const marks = windows.map(([, ...window]) => [theme.series[0], ...window]);
  if (name === layer) marks.push([theme.series[1], row, col, 1]);
  for (const [colour, top, left, high, wide = high] of marks) {
    const more = Math.max(LEAST - high * pixel, 0) / 2;
    const corner = [box.x + left * pixel - more, box.y + top * pixel - more];
    const sides = [wide * pixel + 2 * more, high * pixel + 2 * more];
    outline(c, ...corner, ...sides, theme.paper, 4); // so that it is seen on its own colour
    outline(c, ...corner, ...sides, colour, 2);
  }
}

function bars(c, box, values, chosen) {
  const most = Math.max(...values.map(Math.abs)) || 1;
  const [share, width] = [Math.min(...values) < 0 ? 0.5 : 1, box.width / values.length];
  values.forEach((value, i) => {
    c.fillStyle = theme.series[i === chosen ? 1 : 0];
    const height = (-value / most) * share * box.height;
    c.fillRect(box.x + i * width + 0.5, box.y + share * box.height, width - 1, height);
    const under = [box.x + (i + 0.5) * width, box.y + box.height + 13];
    if (width > 15) write(c, `${i}`, ...under, { size: 11, align: "center" });
  });
}

// The numbers of a step in tables, and its lines below.
function sumsOf({ grids, lines }) {
  const tables = grids.map(([title, texts, width, mark]) => {
    const current = (i) => (i === mark ? ' aria-current="true"' : "");
    const cells = texts.map((text, i) => `${i % width ? "" : "<tr>"}<td${current(i)}>${text}`);
    return `<table><caption>${title}</caption>${cells.join("")}</table>`;
  });
  return [...tables, ...lines.map((words) => `<p>${words}</p>`)].join("");
}
