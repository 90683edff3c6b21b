// The views of a prediction: the reader drags the points of curves, or picks an answer, and
// "Show" draws the records beside it. Nothing of the records is drawn or said before that.
//
// Data: `measure`, `ticks` and `records`, { name, ends: [value, low, high], words } for each answer
// or, curve after curve, for each point; then also `curves` (names), `x` (texts of the ticks),
// `xlabel` and `scale` { min, max, step, decimals }.
import { element, stepped } from "../controls.js";
import { axes, colourOf, disc, inside, layOver, legendLine } from "../drawing.js";
import { line, theme, write } from "../drawing.js";

const GRIP = 32; // pixels of the element that holds a point
const APART = 7; // pixels between the intervals of two curves at one place
const YOURS = [1.5, [5, 4]]; // width and dashes of the reader's curves

export const predictionView = {
  layouts: [
    { size: [860, 320], panels: [[predictionPanel, [64, 36, 530, 230]], [keyPanel, [630, 50]]] },
    { size: [380, 430], panels: [[predictionPanel, [58, 32, 308, 226]], [keyPanel, [58, 318]]] },
  ],

  async start(explorer) {
    const { controls, data } = explorer;
    const { curves, records, scale, x } = data;
    const isShown = revealed(controls, []);
    const begin = records.map((_, p) => {
      const share = 0.5 + 0.1 * ((curves.length - 1) / 2 - Math.floor(p / x.length));
      return stepped(scale, scale.min + share * (scale.max - scale.min));
    });
    let [known, said] = [null, begin];

    explorer.linked.answer = {
      get: () => controls.get("answer").join("_"),
      set(text) {
        const answer = text.split("_").map(Number);
        const isIn = (value) => value >= scale.min && value <= scale.max;
        const isAnswer = answer.length === records.length && answer.every(isIn);
        return isAnswer && controls.put("answer", answer);
      },
    };

    const grips = records.map((_, p) =>
      makeGrip(explorer, p, {
        move(to) {
          const value = explorer.state.isShown ? said[p] : stepped(scale, to);
          if (value !== said[p]) said = Object.assign([...said], { [p]: value });
          explorer.request();
        },
        done: () => said !== known && said !== begin && controls.set("answer", said),
      }),
    );

    return (values) => {
      if (known !== (known = values.answer)) said = known.length === records.length ? known : begin;
      const chosen = grips.findIndex((grip) => grip.matches(":focus-within"));
      const state = { ...data, grips, said, chosen, isShown: isShown(values) };
      const words = (p) => wordsOfCurves({ ...state, chosen: p }, said !== begin);
      grips.forEach(({ firstChild: input }, p) => {
        input.value = said[p];
        input.ariaValueText = state.isShown ? words(p) : said[p].toFixed(scale.decimals);
      });
      return { ...state, words: words(chosen) };
    };
  },
};

export const pickView = {
  layouts: [
    { size: [860, 280], panels: [[answersPanel, [30, 36, 560, 190]]] },
    { size: [380, 340], panels: [[answersPanel, [20, 36, 340, 250]]] },
  ],

  async start({ controls, data }) {
    const isShown = revealed(controls, "");
    return (values) => {
      const state = { ...data, picked: values.answer, isShown: isShown(values) };
      return { ...state, words: wordsOfPick(state) };
    };
  },
};

// A function of the controls' values that says whether the records are shown. "Again" hides them
// and takes the answer back, to `none`.
function revealed(controls, none) {
  let presses = controls.get("show");
  return ({ show }) => {
    const isShown = show % 2 === 1;
    controls.setLabel("show", isShown ? "Again" : "Show");
    if (presses !== (presses = show) && !isShown) controls.set("answer", none);
    return isShown;
  };
}

// An element over point `p`, by which a mouse, a pen or a finger moves it; the native slider
// inside is for keys and for screen readers.
function makeGrip(explorer, p, { move, done }) {
  const { min, max, step } = explorer.data.scale;
  const grip = element(explorer.holder, "div", "explorer-handle explorer-point");
  const input = element(grip, "input");
  Object.assign(input, { type: "range", min, max, step, ariaLabel: explorer.data.records[p].name });
  input.addEventListener("input", () => move(Number(input.value)));
  input.addEventListener("change", done);
  for (const type of ["focus", "blur"]) input.addEventListener(type, () => explorer.request());
  const under = (event) => explorer.state.valueAt(explorer.placeOf(event)[1]);
  let held = 0; // how far above the point it is held
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // so that the slider keeps the focus
    input.focus();
    grip.setPointerCapture(event.pointerId);
    held = under(event) - Number(input.value);
  });
  grip.addEventListener("pointermove", (event) => {
    if (grip.hasPointerCapture(event.pointerId)) move(under(event) - held);
  });
  grip.addEventListener("lostpointercapture", done);
  return grip;
}

function wordsOfCurves({ chosen, isShown, records, said, scale }, isMoved) {
  if (!isShown) return "Drag the points, or use Tab and the arrow keys. Then press Show.";
  const { name, words } = records[Math.max(chosen, 0)];
  if (!isMoved) return `You moved no point. For ${name}, the records show ${words}.`;
  const number = (value) => value.toFixed(scale.decimals);
  const gapWords = (p) =>
    `You said ${number(said[p])} for ${records[p].name}, and the records show ${records[p].words}`;
  if (chosen >= 0) return `${gapWords(chosen)}.`;
  const gaps = records.map(({ ends }, p) => Math.abs(said[p] - ends[0]));
  const mean = number(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length);
  const largest = gapWords(gaps.indexOf(Math.max(...gaps)));
  return `${largest}: your largest gap. The mean gap of your ${gaps.length} points is ${mean}.`;
}

function wordsOfPick({ records, picked, isShown }) {
  const said = picked ? `You picked "${picked}".` : "You picked no answer.";
  if (!isShown) return picked ? `${said} Press Show.` : "Pick an answer. Then press Show.";
  const each = records.map(({ name, words }) => `${name}, ${words}`);
  return `${said} The records show: ${each.join("; ")}.`;
}

function predictionPanel(c, box, state) {
  const { chosen, curves, grips, isShown, measure, records, said, scale, ticks } = state;
  const count = state.x.length;
  const { x, y } = axes(c, box, {
    title: isShown ? "Your prediction and the records" : "Your prediction",
    xlim: [-0.4, count - 0.6],
    ylim: [scale.min, scale.max],
    xticks: state.x.map((text, i) => [i, text]),
    yticks: ticks,
    xlabel: state.xlabel,
    ylabel: measure,
  });
  state.valueAt = (at) => scale.min + (1 - (at - box.y) / box.height) * (scale.max - scale.min);
  curves.forEach((_, s) => {
    const of = (array) => array.slice(s * count, (s + 1) * count);
    line(c, of(said).map((value, i) => [x(i), y(value)]), colourOf(s), ...YOURS);
    if (!isShown) return;
    const at = (i) => x(i) + APART * (s - (curves.length - 1) / 2);
    inside(c, box, () => {
      of(records).forEach(({ ends: [, low, high] }, i) => {
        line(c, [[at(i), y(low)], [at(i), y(high)]], colourOf(s), 3);
      });
      line(c, of(records).map(({ ends }, i) => [at(i), y(ends[0])]), colourOf(s), 2.5);
    });
  });
  grips.forEach((grip, p) => {
    const [left, top] = [x(p % count), y(said[p])];
    disc(c, left, top, 7, colourOf(Math.floor(p / count)));
    if (isShown) disc(c, left, top, 4.5, theme.paper);
    layOver(grip, c, { x: left - GRIP / 2, y: top - GRIP / 2, width: GRIP, height: GRIP });
    const number = p === chosen && !isShown ? said[p].toFixed(scale.decimals) : "";
    write(c, number, left, top - 22, { align: "center", bold: true });
  });
}

function keyPanel(c, { x, y }, { curves, isShown }) {
  const rows = curves.map((name, s) => [name, colourOf(s), 3]);
  rows.push(["your prediction", theme.ink, ...YOURS]);
  if (isShown) rows.push(["the records, with 95% intervals", theme.ink, 2.5]);
  rows.forEach((row, i) => legendLine(c, x, y + 20 * i, ...row));
  const note = isShown ? "Select a point to read its gap." : "";
  write(c, note, x, y + 20 * rows.length + 4, { size: 11 });
}

function answersPanel(c, box, { records, measure, ticks, picked, isShown }) {
  const title = isShown ? "Your answer and the records" : "Your answer";
  const [xlim, xticks] = [[ticks[0][0], ticks.at(-1)[0]], isShown ? ticks : []];
  const labels = { title, xlabel: measure, ylabel: "" };
  const { x } = axes(c, box, { xlim, xticks, ylim: [0, 1], yticks: [], ...labels });
  if (isShown) line(c, [[x(0), box.y], [x(0), box.y + box.height]], theme.grid, 2);
  records.forEach(({ name, ends }, a) => {
    const y = box.y + (box.height * (a + 0.7)) / records.length;
    const bold = name === picked;
    write(c, bold ? `${name} (your answer)` : name, box.x + 6, y - 14, { bold, room: box.width });
    if (!isShown) return;
    const [value, low, high] = ends.map(x);
    line(c, [[low, y], [high, y]], colourOf(bold ? 1 : 0), 3);
    disc(c, value, y, 6, colourOf(bold ? 1 : 0));
  });
}
