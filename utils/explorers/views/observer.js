// The view in which the reader is the observer: a noisy digit somewhere on a canvas, ten keys to
// name it, and the psychometric function fitted to the answers. Noise levels come in random
// order, each as often (the method of constant stimuli: Fechner 1860).
//
// Data: `digits` (unpacking.js), `canvas` [rows, cols], `levels` (noise SDs in grey levels),
// `networks`: [{ label, points: [[level, accuracy], ...] }]. The answers are the value of the
// control "answers": [{ level, cued, label, answer, response_ms, seed }], in order.
import { element } from "../controls.js";
import { SHARES, axes, disc, inside, legendLine, line, theme, write } from "../drawing.js";
import { addButton, saveFile } from "../link.js";
import { cuePanel, imagePanel } from "../panels.js";
import { GUESS, expectedAccuracy, fitPsychometric } from "../psychometrics.js";
import { addNoise, drawPlace, endlessOrder, randomNumbers, showDigit } from "../stimuli.js";
import { digitsOf } from "../unpacking.js";

const NETWORK_DASHES = [[6, 3], [2, 2], [8, 3, 2, 3]];
const CURVE_POINTS = 60;
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
        results = resultsOf(answers, data.levels);
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

// The results of all answers: counts by level, fitted functions, and the words about them.
function resultsOf(answers, levels) {
  const [counts, fits, parts] = [[], [], []];
  const last = answers.at(-1);
  if (!last) return { counts, fits, said: "which digit is it?" };
  const verdict = last.answer === last.label ? "right" : `wrong, you said ${last.answer}`;
  parts.push(`the last was a ${last.label}: ${verdict}`);
  for (const cued of [false, true]) {
    const shown = levels.map((level) => {
      const trials = answers.filter((each) => each.cued === cued && each.level === level);
      const right = trials.filter((each) => each.answer === each.label).length;
      return { cued, level, right, trials: trials.length };
    });
    counts.push(...shown.filter(({ trials }) => trials));
    const fitted = fitPsychometric(shown);
    if (!fitted) continue;
    fits.push({ cued, points: curveOf(fitted, levels) });
    const [threshold, low, high] = [fitted.threshold, fitted.low, fitted.high].map(Math.round);
    const how = cued ? "with the cue" : "without a cue";
    parts.push(`your threshold ${how}: SD ${threshold} (95% interval ${low} to ${high})`);
  }
  if (!fits.length) {
    parts.push(`${answers.length} answers; keep going: your curve is drawn once it falls`);
  }
  return { counts, fits, said: parts.join(" · ") };
}

// Points of a fitted function, evenly over the logarithm of the level.
function curveOf(fitted, levels) {
  const ratio = levels.at(-1) / levels[0];
  return Array.from({ length: CURVE_POINTS }, (_, i) => {
    const level = levels[0] * ratio ** (i / (CURVE_POINTS - 1));
    return [level, expectedAccuracy(fitted, level)];
  });
}

// Right answers against noise: of networks (thin lines), and of the reader without the cue
// and with it: dots, larger for more answers, and the functions that fit them.
function psychometricPanel(c, box, { levels, networks, counts, fits }) {
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
    line(c, points.map(([level, p]) => [x(Math.log(level)), y(p)]), ...style);
  };
  const legend = [];
  networks.forEach(({ label, points }, i) => {
    const colour = theme.series[i % theme.series.length];
    const style = [colour, 1.5, NETWORK_DASHES[i % NETWORK_DASHES.length]];
    inside(c, box, () => curve(points, ...style));
    legend.push([label, ...style]);
  });
  for (const cued of [false, true]) {
    const colour = theme.series[cued ? 3 : 2]; // the first two are of networks
    const fitted = fits.find((each) => each.cued === cued);
    if (fitted) curve(fitted.points, colour, 2.5);
    const seen = counts.filter((each) => each.cued === cued);
    for (const { level, right: hits, trials } of seen) {
      const place = [x(Math.log(level)) + (cued ? 3 : -3), y(hits / trials)];
      disc(c, ...place, Math.min(9, 2.5 + Math.sqrt(trials)), colour);
    }
    if (seen.length) legend.push([cued ? "you, with the cue" : "you, no cue", colour, 2.5]);
  }
  const first = y(GUESS) - 10 - 16 * legend.length; // low on the left, where no curve falls
  legend.forEach((each, i) => legendLine(c, left + 10, first + 16 * i, ...each));
}
