// The view in which the reader is the observer: a noisy digit somewhere on a canvas, ten keys to
// name it, and the psychometric function fitted to the answers. Noise levels come in random
// order, each as often (the method of constant stimuli: Fechner 1860).
//
// Data: `digits` (unpacking.js), `canvas` [rows, cols], `levels` (noise SDs in grey levels),
// `networks`: [{ label, points: [[level, accuracy], ...] }], `ideal`: { uncued, cued }, the points
// of the ideal observer on a screen. The answers are the value of the control "answers":
// [{ level, cued, label, answer, response_ms, seed }], in order.
import { element } from "../controls.js";
import { SHARES, axes, disc, inside, legendLine, line, percent, theme, write } from "../drawing.js";
import { addButton, saveFile } from "../link.js";
import { cuePanel, imagePanel } from "../panels.js";
import { GUESS, expectedAccuracy, fitPsychometric, levelAt } from "../psychometrics.js";
import { addNoise, drawPlace, endlessOrder, randomNumbers, showDigit } from "../stimuli.js";
import { digitsOf } from "../unpacking.js";

const NETWORK_DASHES = [[6, 3], [2, 2], [8, 3, 2, 3]];
const IDEAL_DASHES = [1, 3];
const IDEAL_NAMED = 0.85; // the accuracy at which the ideal observer's curve has its name
const CURVE_STEPS = 60;
const STORE = "attention-in-a-cnn:observer:1"; // where a browser keeps the answers
const COLUMNS = "trial,noise_sd,label,answer,correct,response_ms,condition,seed\n";

export const observerView = {
  layouts: [
    {
      size: [860, 330],
      panels: [
        [imagePanel, [10, 36, 280, 280]],
        [cuePanel, [10, 36, 280, 280]],
        [psychometricPanel, [370, 36, 470, 236]],
      ],
    },
    {
      size: [380, 460], // the digit last, beside the buttons
      panels: [
        [psychometricPanel, [58, 26, 306, 110]],
        [imagePanel, [65, 202, 250, 250]],
        [cuePanel, [65, 202, 250, 250]],
      ],
    },
  ],

  async start(explorer) {
    const { data, controls } = explorer;
    const digits = await digitsOf(data.digits);
    let seed, random, levels, order, trial, shown;
    function begin(from, count) {
      [seed, random, shown] = [from, randomNumbers(from), 0];
      levels = endlessOrder(data.levels.length, random);
      order = endlessOrder(digits.labels.length, random);
      while (shown < count) show(false);
      trial = null;
    }
    begin(Math.floor(Math.random() * 1e9), 0);
    explorer.linked.seed = {
      get: () => `${seed}_${shown}`, // and which of its displays
      set(text) {
        const [, from, number = 1] = /^(\d{1,9})(?:_(\d{1,4}))?$/.exec(text) ?? [];
        if (from) begin(Number(from), number - 1);
        return from;
      },
    };

    function show(cued) {
      shown += 1;
      const [level, index] = [data.levels[levels.next().value], order.next().value];
      const place = drawPlace(digits, data.canvas, random);
      const greys = showDigit(digits, index, data.canvas, random, place);
      const image = Uint8ClampedArray.from(addNoise(greys, level, random)); // as a screen shows it
      const cue = cued ? [...place, digits.rows, digits.cols] : null;
      trial = { level, cued, cue, image, label: digits.labels[index] };
    }

    // Takes one answer to each display, and none before it is shown.
    function answer(digit) {
      if (!trial?.since) return;
      const { level, cued, label, since } = trial;
      const response_ms = Math.round(performance.now() - since);
      const given = { level, cued, label, answer: digit, response_ms, seed };
      controls.set("answers", [...controls.get("answers"), given]);
      show(cued);
    }
    addKeys(explorer, answer);
    const keep = keepAnswers(explorer);

    let known, results;
    return (values) => {
      const { answers, cue } = values;
      if (trial?.cued !== cue) show(cue);
      if (known !== (known = answers)) {
        results = resultsOf(answers, data);
        keep(answers);
      }
      trial.since ??= performance.now();
      const { level, image } = trial;
      return {
        ...results,
        levels: data.levels,
        networks: data.networks,
        image,
        cue: trial.cue,
        shape: data.canvas,
        level,
        unit: "SD in grey levels",
        words: `trial ${answers.length + 1}, noise of SD ${level} · ${results.said}`,
      };
    };
  },
};

// Takes answers from ten buttons below the picture, and from the keys 0 to 9 while the focus is
// anywhere in the explorer.
function addKeys({ canvas, endings, holder }, answer) {
  canvas.tabIndex = 0;
  const row = element(holder.parentElement, "div", "explorer-keys");
  holder.after(row);
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "The digit that you see");
  element(row, "span", "", "Which digit is it? Press it here, or click the picture and type.");
  for (let digit = 0; digit < 10; digit++) {
    const button = element(row, "button", "", `${digit}`);
    button.type = "button";
    button.addEventListener("click", () => answer(digit));
  }
  const hear = (event) => {
    const isHere = event.target.closest?.(".explorer")?.contains(canvas);
    if (!isHere || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (/^[0-9]$/.test(event.key)) answer(Number(event.key));
  };
  document.addEventListener("keydown", hear, true);
  endings.push(() => document.removeEventListener("keydown", hear, true));
}

// Buttons to save the answers as a table and to forget them. Beside a kernel Python has them; a
// page takes those that its browser kept. Returns a function that keeps answers, and says where.
function keepAnswers(explorer) {
  const { controls, foot } = explorer;
  const inStore = (use) => {
    try {
      return controls.model ? null : use(window.localStorage);
    } catch {
      return null; // a private window, or a page that may not keep anything
    }
  };
  const rowOf = ({ level, cued, label, answer, response_ms, seed }, i) => {
    const first = [i + 1, level, label, answer, Number(answer === label)];
    return `${[...first, response_ms, cued ? "cued" : "uncued", seed]}\n`;
  };
  const save = addButton(explorer, "Save CSV", () => {
    const rows = controls.get("answers").map(rowOf);
    saveFile(explorer, new Blob([COLUMNS, ...rows], { type: "text/csv" }), "csv");
  });
  const forget = addButton(explorer, "Forget", () => controls.set("answers", []));
  const words = element(foot, "span");
  const kept = inStore((store) => JSON.parse(store.getItem(STORE)));
  const isAnswer = (each) => each?.level > 0 && each.label >= 0 && each.answer >= 0;
  if (Array.isArray(kept) && kept.every(isAnswer)) controls.put("answers", kept);
  return (answers) => {
    const isKept = inStore((store) => !store.setItem(STORE, JSON.stringify(answers)));
    const page = isKept ? "are kept in this browser only" : "are lost with this page: save them";
    const where = controls.model ? "are in Python" : page;
    words.textContent = `Your answers (${answers.length}) ${where}`;
    save.disabled = forget.disabled = !answers.length;
  };
}

// The results of all answers: without the cue and with it, and the words about them.
function resultsOf(answers, data) {
  const last = answers.at(-1);
  if (!last) return { results: [], said: "which digit is it?" };
  const results = [false, true].map((cued) => resultOf(answers, data, cued));
  const found = results.map(({ words }) => words).filter(Boolean);
  const more = `${answers.length} answers; keep going: your curve is drawn once it falls`;
  if (!found.length) found.push(more);
  const verdict = last.answer === last.label ? "right" : `wrong, you said ${last.answer}`;
  return { results, said: [`the last was a ${last.label}: ${verdict}`, ...found].join(" · ") };
}

// Counts by level; if a function fits them, points of it and of the ideal observer, and words.
function resultOf(answers, { levels, ideal }, cued) {
  const shown = levels.map((level) => {
    const trials = answers.filter((each) => each.cued === cued && each.level === level);
    const right = trials.filter((each) => each.answer === each.label).length;
    return { level, right, trials: trials.length };
  });
  const counts = shown.filter(({ trials }) => trials);
  const fitted = fitPsychometric(counts);
  if (!fitted) return { cued, counts, points: [], best: [] };
  const [how, best = []] = cued ? ["with the cue", ideal.cued] : ["without a cue", ideal.uncued];
  const ends = [fitted.threshold, fitted.low, fitted.high];
  const [threshold, low, high] = ends.map(Math.round);
  let words = `your threshold ${how}: SD ${threshold} (95% interval ${low} to ${high})`;
  const most = levelAt(best, expectedAccuracy(fitted, fitted.threshold));
  if (most) {
    const [share, least, greatest] = ends.map((sd) => percent((sd / most) ** 2));
    words += `, the ideal observer's ${Math.round(most)}`;
    words += `, your efficiency ${share} (${least} to ${greatest})`;
  }
  const steps = [...Array(CURVE_STEPS + 1).keys()].map((i) => i / CURVE_STEPS);
  const along = steps.map((step) => levels[0] * (levels.at(-1) / levels[0]) ** step);
  const points = along.map((level) => [level, expectedAccuracy(fitted, level)]);
  return { cued, counts, points, best, words };
}

// Right answers against noise: of networks (thin lines), and of the reader without the cue
// and with it: dots, larger for more answers, the functions that fit them, and the ideal observer.
function psychometricPanel(c, box, { levels, networks, results }) {
  const { x, y } = axes(c, box, {
    title: "Right answers against noise",
    xlim: [Math.log(levels[0] / 1.25), Math.log(levels.at(-1) * 1.25)],
    ylim: [0, 1],
    xticks: levels.map((level) => [Math.log(level), `${level}`]),
    yticks: SHARES.map((p) => [p, `${p}`]),
    xlabel: "noise (SD in grey levels)",
    ylabel: "share of right answers",
  });
  const [left, right] = [box.x, box.x + box.width];
  line(c, [[left, y(GUESS)], [right, y(GUESS)]], theme.faint, 1, [2, 3]);
  write(c, "guessing", left + 4, y(GUESS) - 4, { size: 11, colour: theme.faint });
  const curve = (points, ...style) => {
    const places = points.map(([level, p]) => [x(Math.log(level)), y(p)]);
    inside(c, box, () => line(c, places, ...style));
  };
  const legend = [];
  networks.forEach(({ label, points }, i) => {
    const colour = theme.series[i % theme.series.length];
    const style = [colour, 1.5, NETWORK_DASHES[i % NETWORK_DASHES.length]];
    curve(points, ...style);
    legend.push([label, ...style]);
  });
  for (const { cued, counts, points, best } of results) {
    const colour = theme.series[cued ? 3 : 2]; // the first two are of networks
    curve(points, colour, 2.5);
    curve(best, colour, 2, IDEAL_DASHES);
    const named = x(Math.log(levelAt(best, IDEAL_NAMED))) - 6;
    write(c, "ideal", named, y(IDEAL_NAMED) + 4, { size: 11, align: "right", colour });
    for (const { level, right: hits, trials } of counts) {
      const place = [x(Math.log(level)) + (cued ? 3 : -3), y(hits / trials)];
      disc(c, ...place, Math.min(9, 2.5 + Math.sqrt(trials)), colour);
    }
    if (counts.length) legend.push([cued ? "you, with the cue" : "you, no cue", colour, 2.5]);
  }
  const first = y(GUESS) - 10 - 16 * legend.length; // low on the left, where no curve falls
  legend.forEach((each, i) => legendLine(c, left + 10, first + 16 * i, ...each));
}
