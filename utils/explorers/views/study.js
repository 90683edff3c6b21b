// The view of a study: accuracy after each epoch, and all runs after the epoch chosen. The
// names of the arms beside the runs are the legend of the curves.
import { NARROW, axes, colourOf, disc, line, theme, write } from "../drawing.js";

const SWATCH = 18; // pixels of a line in the legend
const REACH = 12; // pixels from a point within which the pointer is at it

export const studyView = {
  layouts: [
    {
      size: [860, 320],
      panels: [
        [curvesPanel, [70, 36, 350, 240]],
        [runsPanel, [650, 36, 190, 240]],
      ],
    },
    {
      size: [380, 420],
      panels: [
        [curvesPanel, [62, 26, 300, 130]],
        [runsPanel, [20, 226, 342, 154]],
      ],
    },
  ],

  async start(explorer) {
    const { arms, epochs } = explorer.data;
    let state;

    const near = (event) => {
      const [x, y] = explorer.placeOf(event);
      const distance = (point) => Math.hypot(point.x - x, point.y - y);
      const nearer = (a, b) => (distance(b) < distance(a) ? b : a);
      const nearest = state.points.reduce(nearer, { x: -99, y: -99 });
      return distance(nearest) < REACH ? nearest : null;
    };
    explorer.canvas.addEventListener("pointermove", (event) => {
      const point = near(event);
      explorer.canvas.style.cursor = point ? "pointer" : "";
      explorer.say(point ? wordsOfRun(arms, point, state.condition) : state.words);
    });
    explorer.canvas.addEventListener("click", (event) => {
      const point = near(event);
      if (!point) return;
      explorer.controls.set("cell", arms[point.a].label);
      explorer.controls.set("run", point.r + 1);
      explorer.controls.set("epoch", point.epoch);
    });

    return (values) => {
      const { condition, epoch } = values;
      const chosen = arms.findIndex(({ label }) => label === values.cell);
      const run = values.run === "all" ? -1 : values.run - 1;
      const all = arms.flatMap(({ runs }) => runs.flatMap((each) => each[condition]));
      const words = wordsOf(arms, { a: chosen, r: run, epoch }, condition);
      state = { arms, chosen, run, epoch, epochs, condition, words };
      return Object.assign(state, { points: [], limits: accuracyAxis(all) });
    };
  },
};

function wordsOf(arms, { a, r, epoch }, condition) {
  const { label, runs } = arms[a];
  const values = runs.map((each) => each[condition][epoch - 1]).filter((v) => v !== undefined);
  if (r >= 0 && r < runs.length) return wordsOfRun(arms, { a, r, epoch }, condition);
  if (r >= 0 || !values.length) return `${label}, epoch ${epoch}: no such run`;
  const mean = average(values);
  const words = `${label}, epoch ${epoch}: ${(100 * mean).toFixed(2)}%`;
  if (values.length === 1) return words;
  const error = Math.sqrt(average(values.map((v) => (v - mean) ** 2)) / (values.length - 1));
  return `${words} ± ${(100 * error).toFixed(2)} (mean of ${values.length} runs, standard error)`;
}

function wordsOfRun(arms, { a, r, epoch }, condition) {
  const { label, runs } = arms[a];
  const value = runs[r][condition][epoch - 1];
  const named = value === undefined ? "not that long" : `${(100 * value).toFixed(2)}%`;
  return `${label}, run ${r + 1} (seed ${runs[r].seed}), epoch ${epoch}: ${named}`;
}

const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanOf = (arm, condition) =>
  arm.runs[0][condition].map((_, i) => average(arm.runs.map((run) => run[condition][i])));

// An axis of accuracy that holds all values, with round ticks.
function accuracyAxis(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((each) => (high - low) / each <= 6);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = [...Array(last - first + 1).keys()].map((i) => (first + i) * step);
  const text = (value) => `${(100 * value).toFixed(step < 0.01 ? 1 : 0)}%`;
  return { ends: [ticks[0], ticks.at(-1)], ticks: ticks.map((value) => [value, text(value)]) };
}

function curvesPanel(c, box, { arms, chosen, run, epoch, epochs, condition, limits, points }) {
  const { x, y } = axes(c, box, {
    title: "Accuracy after each epoch",
    xlim: [0.5, epochs + 0.5],
    ylim: limits.ends,
    xticks: [...Array(epochs).keys()].map((i) => [i + 1, `${i + 1}`]),
    yticks: limits.ticks,
    xlabel: "epoch",
    ylabel: "test images named right",
  });
  line(c, [[x(epoch), box.y], [x(epoch), box.y + box.height]], theme.faint, 1, [4, 3]);
  const curve = (values, ...style) => {
    line(c, values.map((value, i) => [x(i + 1), y(value)]), ...style);
  };
  arms.forEach((arm, a) => {
    const colour = colourOf(a);
    curve(meanOf(arm, condition), colour, a === chosen && run < 0 ? 3.5 : 1.2);
    arm.runs.forEach((each, r) => {
      each[condition].forEach((value, i) => {
        points.push({ x: x(i + 1), y: y(value), a, r, epoch: i + 1 });
      });
      if (a !== chosen) return;
      curve(each[condition], colour, ...(r === run ? [3.5] : [1, [2, 2]]));
    });
  });
}

function runsPanel(c, box, { arms, chosen, run, epoch, condition, limits, points }) {
  const { x } = axes(c, box, {
    title: `After epoch ${epoch}`,
    xlim: limits.ends,
    ylim: [0, 1],
    xticks: limits.ticks,
    yticks: [],
    xlabel: "test images named right",
    ylabel: "",
  });
  const beside = box.x > NARROW; // whether the names have room there
  const left = beside ? box.x - 212 : box.x + 4;
  const room = (beside ? 206 : box.width) - SWATCH - 6;
  const note = { size: 11, align: "right", colour: theme.faint };
  write(c, "dots: runs, bar: their mean", box.x + (beside ? -10 : box.width), box.y - 12, note);
  arms.forEach((arm, a) => {
    const y = box.y + (box.height * (a + 0.5)) / arms.length;
    const middle = beside ? y : y - 18;
    line(c, [[left, middle], [left + SWATCH, middle]], colourOf(a), 3);
    const style = { size: 11, bold: a === chosen, room };
    write(c, arm.label, left + SWATCH + 6, middle + 4, style);
    const mean = meanOf(arm, condition)[epoch - 1];
    if (mean !== undefined) line(c, [[x(mean), y - 10], [x(mean), y + 10]], theme.ink, 2);
    arm.runs.forEach((each, r) => {
      const value = each[condition][epoch - 1];
      if (value === undefined) return;
      disc(c, x(value), y, a === chosen && r === run ? 7 : 4, colourOf(a));
      points.push({ x: x(value), y, a, r, epoch });
    });
  });
}
