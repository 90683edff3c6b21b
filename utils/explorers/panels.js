// The panels that more than one view draws.
import {
  NARROW,
  SHARES,
  WIDE,
  axes,
  css,
  fitted,
  heading,
  inkColour,
  levelText,
  outline,
  raster,
  seriesLegend,
  still,
  theme,
  write,
} from "./drawing.js";
import { argmax } from "./network.js";

const LEGEND = 14; // pixels that the colours of a legend are wide,
const LOW = 60; // pixels of a panel that has no room for five ticks
const LEGEND_TEXT = 120; // and room for the words beside them

export function imagePanel(c, box, { image, shape, level, unit }) {
  const { width, height } = fitted(shape, box);
  const title = box.width < NARROW ? levelText(level) : `${levelText(level)} (${unit})`;
  heading(c, `Noise ${title}`, box);
  raster(c, image, shape, inkColour, box.x, box.y, width, height);
  outline(c, box.x, box.y, width, height);
}

// The corners around a marked digit: `cue` is [row, col, rows, cols], pixels of the image.
export function cuePanel(c, box, { cue, shape }) {
  if (!cue) return;
  const [top, left, rows, cols] = cue.map((each) => each * fitted(shape, box).pixel);
  c.setLineDash([cols / 4, cols / 2, cols / 4, 0, rows / 4, rows / 2, rows / 4, 0]);
  outline(c, box.x + left, box.y + top, cols, rows, theme.series[1], 2);
  c.setLineDash([]);
}

// The gains over the image; with a `name`, the title is that of one series among several.
export function mapPanel(c, box, { image, shape, gains, gainShape, gainColour, name, series }) {
  const { width, height, pixel } = fitted(shape, box);
  const [rows, cols] = gainShape;
  if (name === undefined) {
    const title = box.width < NARROW ? "Gain of attention" : "Gain of attention, on the image";
    heading(c, title, box);
  } else {
    c.fillStyle = theme.series[series];
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
  raster(c, image, shape, inkColour, box.x, box.y, width, height);
  c.restore();
  outline(c, box.x, box.y, width, height);
}

// The legend of the gains' colours: upright, or lying where the box is wide.
export function legendPanel(c, box, { gainColour, gainMaximum }) {
  const area = [box.x - 6, box.y - 10, box.width + LEGEND_TEXT, box.height + 30];
  still(c, `legend ${gainMaximum}`, area, (layer) => {
    gainLegend(layer, box, gainColour, gainMaximum);
  });
}

// `answers`: [{ name, p }], one colour each, p being ten probabilities.
export function answerPanel(c, box, { answers, label, question }) {
  const { x, y: at } = axes(c, box, {
    title: question,
    xlim: [-0.6, 9.6],
    ylim: [0, 1],
    xticks: [...Array(10).keys()].map((digit) => [digit, digit === label ? "" : `${digit}`]),
    yticks: (box.height < LOW ? [0, 1] : SHARES).map((p) => [p, `${p}`]),
    xlabel: label === null ? "digit" : "digit (large: the label)",
    ylabel: "probability",
  });
  if (label !== null) {
    const large = { size: 14, align: "center", bold: true };
    write(c, `${label}`, x(label), box.y + box.height + 16, large);
  }
  const width = (0.8 * (x(1) - x(0))) / answers.length;
  answers.forEach(({ p }, s) => {
    c.fillStyle = theme.series[s];
    p.forEach((each, digit) => {
      c.fillRect(x(digit - 0.4) + s * width, at(each), width - 1, at(0) - at(each));
    });
  });
  if (box.width < NARROW) return; // another panel names the series
  const names = answers.map(({ name }) => name);
  const y = box.width < WIDE && names.length > 2 ? box.y - 18 : box.y; // above the title
  const above = [box.x - 54, y - 26, box.width + 54, 20];
  still(c, names.join(), above, (layer) => seriesLegend(layer, { ...box, y }, names));
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

// The answer of a network in words, from its ten probabilities.
export const likeliest = (p) => `${argmax(p)} (${Math.round(100 * Math.max(...p))}%)`;

// Where the highest gain lies, in words. `ink`: the image without noise, pixels of `shape`; `of`:
// whose gain it is. The outermost ring is left out: it multiplies padding, that is zeros.
export function gainWords({ gains, gainShape, ink, shape, of = "" }) {
  const [rows, cols] = gainShape;
  const isInside = (at, end) => at > 0 && at < end - 1;
  let [best, most, least] = [0, -Infinity, Infinity];
  gains.forEach((gain, i) => {
    if (!isInside(Math.floor(i / cols), rows) || !isInside(i % cols, cols)) return;
    if (gain > most) [best, most] = [i, gain];
    least = Math.min(least, gain);
  });
  if (most - least < 0.01 * most) return `gain${of} is ${most.toFixed(2)} at every place`;
  const [row, col] = [2 * Math.floor(best / cols) - 1, 2 * (best % cols) - 1]; // of 2 by 2 pixels
  const isNear = (y, x) => y >= row - 1 && y <= row + 2 && x >= col - 1 && x <= col + 2;
  const isOn = ink.some((grey, i) => grey && isNear(Math.floor(i / shape[1]), i % shape[1]));
  const where = isOn ? "on the digit" : `beside the digit, at row ${row}, column ${col}`;
  const size = most < 10 ? most.toPrecision(2) : most.toFixed(0);
  return `highest gain${of}, ${size}, lies ${where}`;
}
