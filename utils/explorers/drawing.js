// The means of drawing that all panels share: text, lines, axes and rasters on a canvas, in the
// colours of the page's theme.

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

// The colours that all drawing uses.
export const theme = { ...THEMES.light };

// Sets these colours; `paper` is the page's own.
export function useTheme(name, paper) {
  Object.assign(theme, THEMES[name], { paper });
}

// The colour of a series, by its number.
export const colourOf = (series) => theme.series[series % theme.series.length];

export function write(c, words, x, y, style = {}) {
  const { size = 12, align = "left", colour = theme.ink, bold = false, room } = style;
  c.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
  c.textAlign = align;
  c.fillStyle = colour;
  c.fillText(words, x, y, room);
}

export function line(c, points, colour, width = 1, dash = []) {
  c.beginPath();
  points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dash);
  c.stroke();
  c.setLineDash([]);
}

export const heading = (c, words, { x, y }) => write(c, words, x, y - 12, { size: 13, bold: true });

export function outline(c, x, y, width, height, colour = theme.faint, thickness = 1) {
  c.strokeStyle = colour;
  c.lineWidth = thickness;
  c.strokeRect(x, y, width, height);
}

export function disc(c, x, y, radius, colour) {
  c.beginPath();
  c.arc(x, y, radius, 0, 7);
  c.fillStyle = colour;
  c.fill();
}

// Puts an element of the page over a part of the picture, at any width of the picture.
export function layOver({ style }, c, box) {
  const dots = c.getTransform().a;
  const [width, height] = [c.canvas.width / dots, c.canvas.height / dots];
  const across = (length) => `calc(min(100%, ${width}px) * ${length / width})`;
  const down = (length) => `${(100 * length) / height}%`;
  [style.left, style.width] = [across(box.x), across(box.width)];
  [style.top, style.height] = [down(box.y), down(box.height)];
}

// Clips a drawing to a box, with room for the width of a line along its edges.
export function inside(c, { x, y, width, height }, paint) {
  c.save();
  c.beginPath();
  c.rect(x, y - 2, width, height + 4);
  c.clip();
  paint();
  c.restore();
}

// Draws the parts that do not change from picture to picture once, and copies them from then
// on, because text is most of the work of a picture. `area` is [x, y, width, height].
const LAYERS = new Map();
const MOST_LAYERS = 64;
export function still(c, key, area, paint) {
  const [x, y, width, height] = area;
  const dots = c.getTransform().a;
  const name = `${dots} ${theme.ink} ${area} ${key}`;
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

// Draws axes in a box; returns two functions that place values. Ticks are [value, text].
export function axes(c, box, settings) {
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
    line(c, [[box.x, y(value)], [box.x + box.width, y(value)]], theme.grid);
    write(c, text, box.x - 6, y(value) + 4, { size: 11, align: "right" });
  }
  const bottom = box.y + box.height;
  for (const [value, text] of xticks) {
    write(c, text, x(value), bottom + 16, { size: 11, align: "center" });
  }
  line(c, [[box.x, box.y], [box.x, bottom], [box.x + box.width, bottom]], theme.faint);
  write(c, xlabel, box.x + box.width / 2, bottom + 34, { align: "center" });
  c.save();
  c.translate(box.x - 42, box.y + box.height / 2);
  c.rotate(-Math.PI / 2);
  write(c, ylabel, 0, 0, { align: "center" });
  c.restore();
}

// Values as pixels, `colour(value)` giving 0xAABBGGRR, scaled without smoothing.
export function raster(c, values, [rows, cols], colour, x, y, width, height) {
  const small = new OffscreenCanvas(cols, rows);
  const pixels = new ImageData(cols, rows);
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = colour(values[i]);
  small.getContext("2d").putImageData(pixels, 0, 0);
  c.imageSmoothingEnabled = false;
  c.drawImage(small, x, y, width, height);
}

export const packed = (red, green, blue) => 0xff000000 + (blue << 16) + (green << 8) + red;
export const inkColour = (level) => packed(255 - level, 255 - level, 255 - level);
export const css = (word) => `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;

export function fitted([rows, cols], box) {
  const pixel = Math.min(box.width / cols, box.height / rows);
  return { width: pixel * cols, height: pixel * rows, pixel };
}

export const SHARES = [0, 0.25, 0.5, 0.75, 1]; // to tick
export const NARROW = 200; // pixels of a panel that has no room for a long title
export const WIDE = 500; // pixels of a panel that has room for a title and names beside it

// Whether the reader's system asks for less motion.
export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const percent = (share) => `${Math.round(100 * share)}%`;
export const levelText = (level) => level.toFixed(level > 1 ? 1 : 2);

// A line with its name in a legend; `middle` is its height.
export function legendLine(c, x, middle, name, ...style) {
  line(c, [[x, middle], [x + 24, middle]], ...style);
  write(c, name, x + 30, middle + 4, { size: 11 });
}

// The names of series with their colours, above the right end of a box.
export function seriesLegend(c, box, names) {
  let right = box.x + box.width;
  for (const [s, name] of [...names.entries()].reverse()) {
    write(c, name, right, box.y - 12, { align: "right" });
    right -= c.measureText(name).width + 15;
    c.fillStyle = theme.series[s];
    if (name) c.fillRect(right, box.y - 22, 11, 11);
    right -= 10;
  }
}
