// The view of two networks that learn side by side (worker.js), from the same initial weights,
// digits, places and noise: in a worker, or in the page where it may have none.
//
// Data: `digits` to learn from and `test_digits` (unpacking.js), `settings` of the worker that no
// control changes, `canvases`: { name: { shape: [rows, cols], parameters of kinds } }, `wasm`
// and `gain_colours`.
import { compileNetwork } from "../compiling.js";
import {
  SHARES,
  WIDE,
  axes,
  disc,
  levelText,
  line,
  percent,
  seriesLegend,
  theme,
  write,
} from "../drawing.js";
import { answerPanel, gainWords, imagePanel, legendPanel, likeliest, mapPanel } from "../panels.js";
import { GUESS } from "../psychometrics.js";
import { withNoise } from "../stimuli.js";
import { coloursOf, digitsOf } from "../unpacking.js";
import { Comparison, Learner } from "../worker.js";

const ROOM_FOR_NOISE = 56; // pixels

export const learningView = {
  layouts: [
    {
      size: [860, 500],
      panels: [
        [progressPanel, [62, 36, 770, 200]],
        [imagePanel, [10, 318, 150, 150]],
        [mapPanel, [178, 318, 150, 150], "left"],
        [mapPanel, [346, 318, 150, 150], "right"],
        [legendPanel, [512, 318, 14, 150]],
        [answerPanel, [680, 318, 170, 130]],
      ],
    },
    {
      size: [380, 450],
      panels: [
        [progressPanel, [58, 44, 306, 90]],
        [imagePanel, [8, 200, 108, 108]],
        [mapPanel, [136, 200, 108, 108], "left"],
        [mapPanel, [264, 200, 108, 108], "right"],
        [legendPanel, [8, 318, 364, 14]],
        [answerPanel, [58, 374, 306, 38]],
      ],
    },
  ],

  async start(explorer) {
    const { controls, data } = explorer;
    const [digits, test_digits] = await Promise.all(
      [data.digits, data.test_digits].map(digitsOf),
    );
    const module = await compileNetwork(data.wasm);
    const colours = coloursOf(data.gain_colours);
    const first = controls.values();
    const comparisons = {}; // one for each canvas
    for (const name of Object.keys(data.canvases)) {
      const settings = settingsFrom({ ...first, canvas: name }, data);
      comparisons[name] = await Comparison.create({ module, digits, test_digits, settings });
    }
    const [{ weights }] = comparisons[first.canvas].networks;
    const initial = weights.slice();
    let lesson = null;
    let { learn, start_again: again } = first; // how often they were pressed
    explorer.endings.push(() => lesson.end());

    // Makes a new lesson, in which nothing has been learnt yet.
    function begin(values) {
      lesson?.end();
      const settings = settingsFrom(values, data);
      const comparison = comparisons[values.canvas];
      for (const network of comparison.networks) network.setWeights(initial);
      Object.assign(comparison.settings, settings);
      const start = { do: "start", module, digits, test_digits, settings };
      lesson = new Lesson(comparison, start, heard);
    }

    function heard() {
      if (!explorer.canvas.isConnected) lesson.pause(); // a page may drop it without a word
      explorer.requestNext();
    }

    // Follows the controls; returns whether settings wait for a new start.
    function obey(values) {
      const testNoise = values.noise_level;
      const presses = values.learn - learn;
      const restarts = values.start_again !== again;
      [learn, again] = [values.learn, values.start_again];
      const asked = JSON.stringify(settingsFrom(values, data));
      const isOther = () => asked !== JSON.stringify(lesson.start.settings);
      if (restarts || (isOther() && !lesson.learner)) begin(values);
      if (restarts || (presses % 2 && !lesson.learns)) lesson.learn(testNoise);
      else if (presses % 2) lesson.pause();
      lesson.setTestNoise(testNoise);
      controls.setLabel("learn", lesson.learns ? "Pause" : "Learn");
      return isOther();
    }
    begin(first);

    return (values) => {
      const waits = obey(values);
      const { kinds } = lesson.start.settings;
      const names = ["attention", "control"].map((name, n) =>
        labelOf(controls.all[name], kinds[n]),
      );
      const seen = lesson.look(values.digit, values.noise_level);
      const [left, right] = seen.maps.map((map, n) => ({ ...map, name: names[n], series: n }));
      return {
        ...colours,
        ...seen,
        left,
        right,
        names,
        unit: "SD",
        question: "The answers",
        answers: seen.answers.map((p) => ({ name: "", p })),
        segments: lesson.segments,
        report: lesson.report,
        hint: waits ? "Start again for the new settings" : lesson.learner ? "" : "Press Learn",
        problem: lesson.problem,
        words: [
          lesson.problem || progressWords(lesson, names),
          waits ? "press Start again to learn with the new settings" : "",
          `test digit ${values.digit} (label ${seen.label}), ` +
            `noise ${levelText(seen.level)}: ${seen.answers.map(likeliest).join(" and ")}`,
          `the ${gainWords({ ...seen, ...left, of: ` of ${names[0]}` })}`,
        ]
          .filter(Boolean)
          .join("; "),
      };
    };
  },
};

// Two networks that learn in a worker, and copies of them in the page with the weights that the
// worker reported last. The worker starts when learning does.
class Lesson {
  // `start`: the message to a worker; `heard` is called after each report of it.
  constructor(comparison, start, heard) {
    Object.assign(this, { comparison, start, heard });
    this.learns = false;
    this.learner = this.report = this.askedNoise = null;
    this.problem = "";
    this.segments = []; // of the curves, one for each noise at test: { level, points }
  }

  learn(testNoise) {
    this.learns = true;
    this.problem = "";
    if (this.learner) return this.learner.post({ do: "go on" });
    this.askedNoise = testNoise;
    const settings = { ...this.start.settings, test_noise_sd: testNoise };
    const script = `const { answerMessages } = (${explorerScript})();`;
    this.learner = new Learner(script, { ...this.start, settings }, (data) => this.hear(data));
  }

  pause() {
    this.learns = false;
    this.learner?.post({ do: "pause" });
  }

  end() {
    this.learner?.end();
    this.learner = null;
  }

  // Asks the worker for scores in noise of another SD, one SD at a time: while a slider moves,
  // the next SD is the slider's value when the last scores arrive.
  setTestNoise(sd) {
    if (!this.report || this.askedNoise !== null || this.problem) return;
    if (sd === this.report.test_noise_sd) return;
    this.askedNoise = sd;
    this.learner.post({ do: "set test noise", sd });
  }

  hear({ error, ...report }) {
    if (error) {
      [this.learns, this.problem] = [false, error];
      if (!this.report) this.end();
    } else this.take(report);
    this.heard();
  }

  // Adds a point to the curves. Where the noise at test changes, new curves begin, since they
  // show another test. A curve of one point is dropped: a slider was moving then.
  take(report) {
    const { updates, accuracies, test_noise_sd: level, weights } = report;
    if (level === this.askedNoise) this.askedNoise = null;
    this.report = report;
    weights.forEach((each, n) => this.comparison.networks[n].setWeights(each));
    const { segments } = this;
    const isOf = (segment) => segment?.level === level;
    if (!isOf(segments.at(-1)) && segments.at(-1)?.points.length === 1) segments.pop();
    if (!isOf(segments.at(-1))) segments.push({ level, points: [] });
    segments.at(-1).points.push([updates, accuracies]);
  }

  // The answers and maps of both networks for a test digit in noise of an SD.
  look(index, sd) {
    const { comparison } = this;
    const { image: clean, label, noise } = comparison.tests[index];
    const greys = withNoise(clean, sd, noise);
    const answers = comparison.networks.map((_, n) => comparison.answer(n, greys));
    const maps = comparison.networks.map(({ gain, seen }) => {
      return { gains: gain, gainShape: [seen.rows, seen.cols] };
    });
    const image = Uint8ClampedArray.from(greys); // as a screen shows it
    const shape = comparison.settings.canvas;
    return { image, ink: clean, shape, level: sd, label, answers, maps };
  }
}

// The settings of a worker, but for the noise at test, which may change while it learns.
function settingsFrom(values, { settings, canvases }) {
  const kinds = [values.attention, values.control];
  const { shape, parameters } = canvases[values.canvas];
  return {
    ...settings,
    kinds,
    parameters: kinds.map((kind) => parameters[kind] ?? {}),
    canvas: shape,
    noise_sd: values.training_noise,
    learning_rate: values.learning_rate,
  };
}

function progressWords({ report, learns, learner }, names) {
  if (!report) return learns ? "beginning to learn" : "not begun: press Learn";
  const where = learner.isInPage ? " in the page itself (it cannot start a worker)" : "";
  const { updates, accuracies, test_noise_sd } = report;
  const scores = names.map((name, n) => `${name} ${percent(accuracies[n])}`);
  return (
    `${learns ? "learning" : "paused"}${where}, ${updates} updates, ` +
    `at SD ${levelText(test_noise_sd)}: ${scores.join(", ")}`
  );
}

const labelOf = ({ options }, value) => options.find(([, each]) => each === value)[0];

// Accuracy while networks learn. `segments`: [{ level, points: [[updates, accuracies]] }], one
// for each noise at test, all but the last faint; `report`: { updates, accuracies }, the last.
function progressPanel(c, box, { names, segments, report, hint }) {
  const end = roundNumberFrom(Math.max(report?.updates ?? 0, 1000));
  const { x, y } = axes(c, box, {
    title: "Accuracy while they learn",
    xlim: [0, end],
    ylim: [0, 1],
    xticks: [0, 1, 2, 3, 4, 5].map((i) => [(i * end) / 5, thousands((i * end) / 5)]),
    yticks: SHARES.map((share) => [share, percent(share)]),
    xlabel: "updates",
    ylabel: "test digits named right",
  });
  line(c, [[x(0), y(GUESS)], [x(end), y(GUESS)]], theme.faint, 1, [2, 3]);
  write(c, "guessing", x(end) - 4, y(GUESS) - 4, { size: 11, align: "right", colour: theme.faint });
  let free = box.x; // where a word on the next noise finds room
  segments.forEach(({ level, points }, i) => {
    const from = x(points[0][0]);
    if (i) line(c, [[from, box.y], [from, y(0)]], theme.faint, 1, [4, 3]);
    if (from >= free) {
      write(c, `SD ${levelText(level)}`, from + 4, box.y + 11, { size: 11, colour: theme.faint });
      free = from + ROOM_FOR_NOISE;
    }
    const isLast = i === segments.length - 1;
    c.globalAlpha = isLast ? 1 : 0.4;
    names.forEach((_, n) => {
      const places = points.map(([updates, accuracies]) => [x(updates), y(accuracies[n])]);
      line(c, places, theme.series[n], isLast ? 2 : 1.2);
    });
    c.globalAlpha = 1;
  });
  report?.accuracies.forEach((share, n) => {
    disc(c, x(report.updates), y(share), 4, theme.series[n]);
  });
  const scores = report?.accuracies.map((share) => ` ${percent(share)}`) ?? ["", ""];
  const above = box.width < WIDE ? { ...box, y: box.y - 18 } : box;
  seriesLegend(c, above, names.map((name, n) => name + scores[n]));
  const middle = [box.x + box.width / 2, y(0.6)];
  write(c, hint, ...middle, { align: "center", bold: true });
}

// The smallest of 1,000, 2,000, 5,000, 10,000 and so on that is at least a number.
function roundNumberFrom(number) {
  const decade = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map((times) => times * decade).find((each) => each >= number);
}

const thousands = (number) => number.toLocaleString("en");
