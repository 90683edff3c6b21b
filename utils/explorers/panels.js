// What an explorer draws: panels on a canvas, in the colours of the page's theme. Here is only
// what needs neither controls nor a network.
import { GUESS } from "./psychometrics.js";

// The colours of the figures (Okabe and Ito 2008), lighter on dark paper.
const THEMES = {
  light: {
    paper: "#ffffff",
    ink: "#222222",
    faint: "#767676",
    grid: "#e4e4e4",
    series: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"],
  },
  dark: {
    paper: "#111111",
    ink: "#e2e2e2",
    faint: "#9a9a9a",
    grid: "#343434",
    series: ["#56B4E9", "#F0803C", "#2DC5A0", "#DE9CC0", "#E69F00", "#8FA8FF", "#FFFFFF"],
  },
};
const FONT = "system-ui, 'DejaVu Sans', sans-serif";

let PAPER, INK, FAINT, GRID, SERIES, WITH, WITHOUT;

// Sets the colours that all drawing uses from here on; `paper` may be the page's own.
export function useTheme(name, paper = THEMES[name].paper) {
  ({ ink: INK, faint: FAINT, grid: GRID, series: SERIES } = THEMES[name]);
  PAPER = paper;
  [WITH, WITHOUT] = SERIES;
}
useTheme("light");

function write(c, words, x, y, style = {}) {
  const { size = 12, align = "left", colour = INK, bold = false, room } = style;
  c.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
  c.textAlign = align;
  c.fillStyle = colour;
  c.fillText(words, x, y, room);
}

function line(c, points, colour, width = 1, dash = []) {
  c.beginPath();
  points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dash);
  c.stroke();
  c.setLineDash([]);
}

const heading = (c, words, { x, y }) => write(c, words, x, y - 12, { size: 13, bold: true });

function outline(c, x, y, width, height, colour = FAINT, thickness = 1) {
  c.strokeStyle = colour;
  c.lineWidth = thickness;
  c.strokeRect(x, y, width, height);
}

function disc(c, x, y, radius, colour) {
  c.beginPath();
  c.arc(x, y, radius, 0, 7);
  c.fillStyle = colour;
  c.fill();
}

// Draws what may not leave a box, but for the width of a line along its ends.
function inside(c, { x, y, width, height }, paint) {
  c.save();
  c.beginPath();
  c.rect(x, y - 2, width, height + 4);
  c.clip();
  paint();
  c.restore();
}

// What stays the same from picture to picture is drawn once, and then copied: writing is
// most of the work of a picture. `area` is [x, y, width, height].
const LAYERS = new Map();
const MOST_LAYERS = 64;
function still(c, key, area, paint) {
  const [x, y, width, height] = area;
  const dots = c.getTransform().a;
  const name = `${dots} ${INK} ${area} ${key}`;
  if (!LAYERS.has(name)) {
    if (LAYERS.size >= MOST_LAYERS) LAYERS.clear();
    const layer = new OffscreenCanvas(Math.ceil(width * dots), Math.ceil(height * dots));
    const context = layer.getContext("2d");
    context.scale(dots, dots);
    context.translate(-x, -y);
    paint(context);
    LAYERS.set(name, layer);
  }
  c.drawImage(LAYERS.get(name), x, y, width, height);
}

// Axes in a box: returns how to place values. Ticks are [value, text].
function axes(c, box, settings) {
  const { xlim, ylim } = settings;
  const x = (value) => box.x + ((value - xlim[0]) / (xlim[1] - xlim[0])) * box.width;
  const y = (value) => box.y + box.height * (1 - (value - ylim[0]) / (ylim[1] - ylim[0]));
  const area = [box.x - 54, box.y - 28, box.width + 80, box.height + 72];
  still(c, JSON.stringify(settings), area, (layer) => frame(layer, box, settings, x, y));
  return { x, y };
}

function frame(c, box, { title, xticks, yticks, xlabel, ylabel }, x, y) {
  heading(c, title, box);
  for (const [value, text] of yticks) {
    line(c, [[box.x, y(value)], [box.x + box.width, y(value)]], GRID);
    write(c, text, box.x - 6, y(value) + 4, { size: 11, align: "right" });
  }
  const bottom = box.y + box.height;
  for (const [value, text] of xticks) {
    write(c, text, x(value), bottom + 16, { size: 11, align: "center" });
  }
  line(c, [[box.x, box.y], [box.x, bottom], [box.x + box.width, bottom]], FAINT);
  write(c, xlabel, box.x + box.width / 2, bottom + 34, { align: "center" });
  c.save();
  c.translate(box.x - 42, box.y + box.height / 2);
  c.rotate(-Math.PI / 2);
  write(c, ylabel, 0, 0, { align: "center" });
  c.restore();
}

// Values as pixels, `colour(value)` giving 0xAABBGGRR, scaled without smoothing.
function raster(c, values, [rows, cols], colour, x, y, width, height) {
  const small = new OffscreenCanvas(cols, rows);
  const pixels = new ImageData(cols, rows);
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = colour(values[i]);
  small.getContext("2d").putImageData(pixels, 0, 0);
  c.imageSmoothingEnabled = false;
  c.drawImage(small, x, y, width, height);
}

export const packed = (red, green, blue) => 0xff000000 + (blue << 16) + (green << 8) + red;
const ink = (level) => packed(255 - level, 255 - level, 255 - level);
const css = (word) => `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;

function fitted([rows, cols], box) {
  const pixel = Math.min(box.width / cols, box.height / rows);
  return { width: pixel * cols, height: pixel * rows, pixel };
}

const SHARES = [0, 0.25, 0.5, 0.75, 1]; // to tick
const NETWORK_DASHES = [[6, 3], [2, 2], [8, 3, 2, 3]];
const NARROW = 200; // pixels of a panel that has no room for a long title
const WIDE = 500; // pixels of a panel that has room for a title and names beside it
const ROOM_FOR_NOISE = 56; // pixels
const LEGEND = 14; // pixels that the colours of a legend are wide,
const LEGEND_TEXT = 120; // and room for the words beside them

const PANELS = {
  image(c, box, { image, shape, level, unit }) {
    const { width, height } = fitted(shape, box);
    const title = box.width < NARROW ? levelText(level) : `${levelText(level)} (${unit})`;
    heading(c, `Noise ${title}`, box);
    raster(c, image, shape, ink, box.x, box.y, width, height);
    outline(c, box.x, box.y, width, height);
  },

  // The corners of what is marked: `cue` is [row, col, rows, cols], pixels of the image.
  cue(c, box, { cue, shape }) {
    if (!cue) return;
    const [top, left, rows, cols] = cue.map((each) => each * fitted(shape, box).pixel);
    c.setLineDash([cols / 4, cols / 2, cols / 4, 0, rows / 4, rows / 2, rows / 4, 0]);
    outline(c, box.x + left, box.y + top, cols, rows, WITHOUT, 2);
    c.setLineDash([]);
  },

  // Puts an element of the page, `handle`, over a part of the picture, however wide that is,
  // and says below what it is for.
  handle(c, box, { handle }) {
    const dots = c.getTransform().a;
    const [width, height] = [c.canvas.width / dots, c.canvas.height / dots];
    const across = (length) => `calc(min(100%, ${width}px) * ${length / width})`;
    const down = (length) => `${(100 * length) / height}%`;
    const { style } = handle;
    [style.left, style.width] = [across(box.x), across(box.width)];
    [style.top, style.height] = [down(box.y), down(box.height)];
    const words = "Drag the digit, or use the arrow keys";
    write(c, words, box.x, box.y + box.height + 17, { size: 11, room: box.width });
  },

  histogram(c, box, { histogram, edges }) {
    const { x, y } = axes(c, box, {
      title: "How often each grey level occurs",
      xlim: [edges[0], edges.at(-1)],
      ylim: [-4, 0],
      xticks: [[-255, "−255"], [0, "0"], [255, "255"], [510, "510"]],
      yticks: [-4, -3, -2, -1, 0].map((decade) => [decade, `${10 ** decade}`]),
      xlabel: "grey level (0: paper, 255: ink)",
      ylabel: "share of pixels",
    });
    c.fillStyle = GRID;
    c.globalAlpha = 0.5;
    c.fillRect(x(edges[0]), box.y, x(0) - x(edges[0]), box.height);
    c.fillRect(x(255), box.y, x(edges.at(-1)) - x(255), box.height);
    c.globalAlpha = 1;
    write(c, "as paper", x(-129), box.y + 14, { size: 11, align: "center", colour: FAINT });
    write(c, "as ink", x(387), box.y + 14, { size: 11, align: "center", colour: FAINT });
    c.fillStyle = WITH;
    histogram.forEach((share, i) => {
      if (share <= 0) return;
      const top = y(Math.max(Math.log10(share), -4));
      c.fillRect(x(edges[i]) + 0.5, top, x(edges[i + 1]) - x(edges[i]) - 1, y(-4) - top);
    });
  },

  // Of one network, or of one of several series, whose name it then has.
  map(c, box, { image, shape, gains, gainShape, gainColour, name, series }) {
    const { width, height, pixel } = fitted(shape, box);
    const [rows, cols] = gainShape;
    if (name === undefined) {
      const title = box.width < NARROW ? "Gain of attention" : "Gain of attention, on the image";
      heading(c, title, box);
    } else {
      c.fillStyle = SERIES[series];
      c.fillRect(box.x, box.y - 22, 11, 11);
      write(c, name, box.x + 15, box.y - 12, { bold: true, room: box.width - 15 });
    }
    c.save();
    c.beginPath();
    c.rect(box.x, box.y, width, height);
    c.clip();
    // A place of conv_2 stands for 2 pixels each way; the first is centred on -0.5.
    const [left, top] = [box.x - 1.5 * pixel, box.y - 1.5 * pixel];
    raster(c, gains, gainShape, gainColour, left, top, 2 * cols * pixel, 2 * rows * pixel);
    c.globalCompositeOperation = "multiply";
    c.globalAlpha = 0.55;
    raster(c, image, shape, ink, box.x, box.y, width, height);
    c.restore();
    outline(c, box.x, box.y, width, height);
  },

  // What the colours of the map mean: upright, or lying where the box is wide.
  legend(c, box, { gainColour, gainMaximum }) {
    const area = [box.x - 6, box.y - 10, box.width + LEGEND_TEXT, box.height + 30];
    still(c, `legend ${gainMaximum}`, area, (layer) => {
      gainLegend(layer, box, gainColour, gainMaximum);
    });
  },

  // `answers`: [{ name, p }], one colour each, p being ten probabilities.
  answer(c, box, { answers, label, question }) {
    const { x, y } = axes(c, box, {
      title: question,
      xlim: [-0.6, 9.6],
      ylim: [0, 1],
      xticks: [...Array(10).keys()].map((digit) => [digit, digit === label ? "" : `${digit}`]),
      yticks: SHARES.map((p) => [p, `${p}`]),
      xlabel: label === null ? "digit" : "digit (large: the label)",
      ylabel: "probability",
    });
    if (label !== null) {
      const large = { size: 14, align: "center", bold: true };
      write(c, `${label}`, x(label), box.y + box.height + 16, large);
    }
    const width = (0.8 * (x(1) - x(0))) / answers.length;
    answers.forEach(({ p }, s) => {
      c.fillStyle = SERIES[s];
      p.forEach((each, digit) => {
        c.fillRect(x(digit - 0.4) + s * width, y(each), width - 1, y(0) - y(each));
      });
    });
    const names = answers.map(({ name }) => name);
    const above = [box.x, box.y - 26, box.width, 20];
    still(c, names.join(), above, (layer) => seriesLegend(layer, box, names));
  },

  // How many of `shown` displays each was right about, and in how many it named the second
  // digit, if there was one: `score` is [{ name, right, intruded }].
  score(c, box, { score, shown, invitation }) {
    const { x } = axes(c, box, {
      title: "Right so far",
      xlim: [0, 1],
      ylim: [0, 1],
      xticks: SHARES.map((share) => [share, percent(share)]),
      yticks: [],
      xlabel: "share of displays",
      ylabel: "",
    });
    score.forEach(({ name, right, intruded }, s) => {
      const top = box.y + (box.height * s) / score.length;
      const height = box.height / score.length - 32;
      const [end, last] = [right, right + intruded].map((n) => x(shown ? n / shown : 0));
      const words = shown ? `${name}: ${right} of ${shown}` : name;
      const others = shown && intruded !== null ? `, the other digit: ${intruded}` : "";
      write(c, words + others, x(0) + 6, top + 16);
      c.fillStyle = SERIES[s];
      c.fillRect(x(0), top + 24, end - x(0), height);
      c.globalAlpha = 0.35;
      c.fillRect(end, top + 24, last - end, height);
      c.globalAlpha = 1;
    });
    if (!shown) write(c, invitation, x(1), box.y - 12, { align: "right", colour: FAINT });
  },

  profile(c, box, { gains, gainMaximum }) {
    const sorted = Float32Array.from(gains).sort().reverse();
    const { x, y } = axes(c, box, {
      title: "All gains",
      xlim: [0, sorted.length],
      ylim: [0, gainMaximum],
      xticks: [0, sorted.length].map((n) => [n, `${n}`]),
      yticks: [0, 1, 2, 3, 4].map((gain) => [gain, `${gain}`]),
      xlabel: "places, most attended first",
      ylabel: "gain",
    });
    line(c, [[x(0), y(1)], [x(sorted.length), y(1)]], WITHOUT, 1.5, [5, 3]);
    const steps = [...sorted].flatMap((gain, i) => [[x(i), y(gain)], [x(i + 1), y(gain)]]);
    inside(c, box, () => line(c, steps, WITH, 2));
    const range = `${sorted.at(-1).toFixed(2)} to ${sorted[0].toFixed(2)}`;
    write(c, range, box.x + box.width, box.y - 12, { align: "right" });
  },

  // Right answers against noise: of networks (thin lines), and of the reader without the cue
  // and with it: dots, larger for more answers, and the functions that fit them.
  psychometric(c, box, { levels, networks, counts, fits }) {
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
    line(c, [[left, y(GUESS)], [right, y(GUESS)]], FAINT, 1, [2, 3]);
    write(c, "guessing", left + 4, y(GUESS) - 4, { size: 11, colour: FAINT });
    const curve = (points, ...style) => {
      line(c, points.map(([level, p]) => [x(Math.log(level)), y(p)]), ...style);
    };
    const legend = [];
    networks.forEach(({ label, points }, i) => {
      const colour = SERIES[i % SERIES.length];
      const style = [colour, 1.5, NETWORK_DASHES[i % NETWORK_DASHES.length]];
      inside(c, box, () => curve(points, ...style));
      legend.push([label, ...style]);
    });
    for (const cued of [false, true]) {
      const colour = SERIES[cued ? 3 : 2]; // the first two are of networks
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
  },

  // Accuracy while networks learn. `segments`: [{ level, points: [[updates, accuracies]] }], one
  // for each noise at test, all but the last faint; `report`: { updates, accuracies }, the last.
  progress(c, box, { names, segments, report, hint }) {
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
    line(c, [[x(0), y(GUESS)], [x(end), y(GUESS)]], FAINT, 1, [2, 3]);
    write(c, "guessing", x(end) - 4, y(GUESS) - 4, { size: 11, align: "right", colour: FAINT });
    let free = box.x; // where a word on the next noise finds room
    segments.forEach(({ level, points }, i) => {
      const from = x(points[0][0]);
      if (i) line(c, [[from, box.y], [from, y(0)]], FAINT, 1, [4, 3]);
      if (from >= free) {
        write(c, `SD ${levelText(level)}`, from + 4, box.y + 11, { size: 11, colour: FAINT });
        free = from + ROOM_FOR_NOISE;
      }
      const isLast = i === segments.length - 1;
      c.globalAlpha = isLast ? 1 : 0.4;
      names.forEach((_, n) => {
        const places = points.map(([updates, accuracies]) => [x(updates), y(accuracies[n])]);
        line(c, places, SERIES[n], isLast ? 2 : 1.2);
      });
      c.globalAlpha = 1;
    });
    report?.accuracies.forEach((share, n) => {
      disc(c, x(report.updates), y(share), 4, SERIES[n]);
    });
    const scores = report?.accuracies.map((share) => ` ${percent(share)}`) ?? ["", ""];
    const above = box.width < WIDE ? { ...box, y: box.y - 18 } : box;
    seriesLegend(c, above, names.map((name, n) => name + scores[n]));
    const middle = [box.x + box.width / 2, y(0.6)];
    write(c, hint, ...middle, { align: "center", bold: true });
  },

  curves(c, box, { arms, chosen, run, epoch, epochs, condition, limits, points }) {
    const { x, y } = axes(c, box, {
      title: "Accuracy after each epoch",
      xlim: [0.5, epochs + 0.5],
      ylim: limits.ends,
      xticks: [...Array(epochs).keys()].map((i) => [i + 1, `${i + 1}`]),
      yticks: limits.ticks,
      xlabel: "epoch",
      ylabel: "test images named right",
    });
    line(c, [[x(epoch), box.y], [x(epoch), box.y + box.height]], FAINT, 1, [4, 3]);
    const curve = (values, ...style) => {
      line(c, values.map((value, i) => [x(i + 1), y(value)]), ...style);
    };
    arms.forEach((arm, a) => {
      curve(meanOf(arm, condition), SERIES[a % SERIES.length], a === chosen && run < 0 ? 3.5 : 1.2);
      arm.runs.forEach((each, r) => {
        each[condition].forEach((value, i) => {
          points.push({ x: x(i + 1), y: y(value), a, r, epoch: i + 1 });
        });
        if (a !== chosen) return;
        curve(each[condition], SERIES[a % SERIES.length], r === run ? 3.5 : 1, r === run ? [] : [2, 2]);
      });
    });
  },

  runs(c, box, { arms, chosen, run, epoch, condition, limits, points }) {
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
    const style = { size: 11, align: beside ? "right" : "left", room: beside ? 190 : box.width };
    const left = beside ? box.x - 10 : box.x + 4;
    const note = { ...style, align: "right", colour: FAINT };
    write(c, "dots: runs, bar: their mean", beside ? left : box.x + box.width, box.y - 12, note);
    arms.forEach((arm, a) => {
      const y = box.y + (box.height * (a + 0.5)) / arms.length;
      write(c, arm.label, left, beside ? y + 4 : y - 14, { ...style, bold: a === chosen });
      const mean = meanOf(arm, condition)[epoch - 1];
      if (mean !== undefined) line(c, [[x(mean), y - 10], [x(mean), y + 10]], INK, 2);
      arm.runs.forEach((each, r) => {
        const value = each[condition][epoch - 1];
        if (value === undefined) return;
        disc(c, x(value), y, a === chosen && r === run ? 7 : 4, SERIES[a % SERIES.length]);
        points.push({ x: x(value), y, a, r, epoch });
      });
    });
  },
};

// A line with its name in a legend; `middle` is its height.
function legendLine(c, x, middle, name, ...style) {
  line(c, [[x, middle], [x + 24, middle]], ...style);
  write(c, name, x + 30, middle + 4, { size: 11 });
}

// The names of series with their colours, above the right end of a box.
function seriesLegend(c, box, names) {
  let right = box.x + box.width;
  for (const [s, name] of [...names.entries()].reverse()) {
    write(c, name, right, box.y - 12, { align: "right" });
    right -= c.measureText(name).width + 15;
    c.fillStyle = SERIES[s];
    if (name) c.fillRect(right, box.y - 22, 11, 11);
    right -= 10;
  }
}

function gainLegend(c, box, gainColour, gainMaximum) {
  const lies = box.width > box.height;
  const length = lies ? box.width : box.height;
  for (let i = 0; i < length; i++) {
    const gain = ((i + 0.5) / length) * gainMaximum;
    c.fillStyle = css(gainColour(gain));
    if (lies) c.fillRect(box.x + i, box.y, 1.5, LEGEND);
    else c.fillRect(box.x, box.y + length - i - 1, LEGEND, 1.5);
  }
  outline(c, box.x, box.y, ...(lies ? [length, LEGEND] : [LEGEND, length]));
  for (let gain = 0; gain <= gainMaximum; gain++) {
    const note = { 1: " (as control)", [gainMaximum]: " or more" }[gain] ?? "";
    const at = (length * gain) / gainMaximum;
    const align = gain === 0 ? "left" : gain === gainMaximum ? "right" : "center";
    if (lies) write(c, `${gain}${note}`, box.x + at, box.y + LEGEND + 13, { size: 11, align });
    else write(c, `${gain}${note}`, box.x + LEGEND + 6, box.y + length - at + 4, { size: 11 });
  }
}

// The first of 1,000, 2,000, 5,000, 10,000 and so on that is not below a number.
function roundNumberFrom(number) {
  const decade = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map((times) => times * decade).find((each) => each >= number);
}

const thousands = (number) => number.toLocaleString("en");
export const percent = (share) => `${Math.round(100 * share)}%`;
export const levelText = (level) => level.toFixed(level > 1 ? 1 : 2);
export const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanOf = (arm, condition) =>
  arm.runs[0][condition].map((_, i) => average(arm.runs.map((run) => run[condition][i])));

// An axis of accuracy that holds all values, with round ticks.
export function accuracyAxis(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((each) => (high - low) / each <= 6);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = [...Array(last - first + 1).keys()].map((i) => (first + i) * step);
  const text = (value) => `${(100 * value).toFixed(step < 0.01 ? 1 : 0)}%`;
  return { ends: [ticks[0], ticks.at(-1)], ticks: ticks.map((value) => [value, text(value)]) };
}

// Draws a state on a canvas: `panels` of a layout are [name, [x, y, width, height], part];
// a panel that names a part of the state sees that part before the whole.
export function drawPanels(c, { size, panels }, state) {
  c.fillStyle = PAPER;
  c.fillRect(0, 0, ...size);
  for (const [name, [x, y, width, height], part] of panels) {
    PANELS[name](c, { x, y, width, height }, part ? { ...state, ...state[part] } : state);
  }
}
