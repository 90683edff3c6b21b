// The view of a study: accuracy after each epoch, and all runs after the epoch chosen.
import { accuracyAxis, average } from "./panels.js";

const REACH = 12; // pixels from a point within which the pointer is at it

export const studyView = {
  layouts: [
    { size: [860, 320], panels: [["curves", [70, 36, 350, 240]], ["runs", [650, 36, 190, 240]]] },
    { size: [380, 640], panels: [["curves", [62, 36, 300, 220]], ["runs", [20, 350, 342, 220]]] },
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
      explorer.say(point ? wordsOfRun(arms, point, state.condition) : state.words, 0);
    });
    explorer.canvas.addEventListener("click", (event) => {
      const point = near(event);
      if (!point) return;
      explorer.controls.set("cell-select", `${point.a}`);
      explorer.controls.set("run-select", `${point.r}`);
      explorer.controls.set("epoch-slider", point.epoch);
    });

    return (values) => {
      const condition = values["condition-select"];
      const [chosen, run] = [Number(values["cell-select"]), Number(values["run-select"])];
      const epoch = values["epoch-slider"];
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
