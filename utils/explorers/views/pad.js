// A pad to draw a digit on with a mouse, a pen, a finger or keys. The drawing becomes an image of
// grey levels, made as the images of MNIST were.
import { ARROWS } from "../controls.js";
import { outline } from "../drawing.js";

const PAD_SIZE = 224; // CSS pixels
const EXTENT = 20 / 28; // MNIST's digits are as large as fits 20 of 28 pixels,
const PEN = 2.4 / 28; // their strokes about this wide,
const STEP = 8; // CSS pixels that a key moves the pen
const FINE = 4; // and their edges grey: this many subpixels a side are averaged

function drawStrokes(c, strokes, width, colour) {
  c.lineWidth = width;
  c.lineCap = c.lineJoin = "round";
  c.strokeStyle = colour;
  for (const points of strokes) {
    c.beginPath();
    c.moveTo(...points[0]);
    for (const point of points) c.lineTo(...point);
    c.stroke();
  }
}

// Grey levels of the strokes, on `rows` by `cols` pixels, averaged over subpixels.
function shrink(strokes, rows, cols, width) {
  const c = new OffscreenCanvas(cols * FINE, rows * FINE).getContext("2d");
  const finer = strokes.map((points) => points.map(([x, y]) => [x * FINE, y * FINE]));
  drawStrokes(c, finer, width * FINE, "#000000");
  const { data } = c.getImageData(0, 0, cols * FINE, rows * FINE);
  return Float32Array.from({ length: rows * cols }, (_, i) => {
    const corner = Math.floor(i / cols) * FINE * cols * FINE + (i % cols) * FINE;
    let sum = 0;
    for (let k = 0; k < FINE * FINE; k++) {
      sum += data[4 * (corner + Math.floor(k / FINE) * cols * FINE + (k % FINE)) + 3];
    }
    return Math.round(sum / FINE ** 2);
  });
}

// Strokes in the size of MNIST's digits (but at most twice as large as drawn, so that a dot stays
// a dot), with their centre of mass in the middle.
function digitOfStrokes(strokes, rows, cols) {
  const short = Math.min(rows, cols);
  const points = strokes.flat();
  const corner = (of) => [0, 1].map((axis) => of(...points.map((point) => point[axis])));
  const [low, high] = [corner(Math.min), corner(Math.max)];
  const extent = Math.max(1, high[0] - low[0], high[1] - low[1]);
  const scale = Math.min(((EXTENT - PEN) * short) / extent, (2 * short) / PAD_SIZE);
  const centred = ([x, y]) => {
    const place = (at, axis, middle) => (at - (low[axis] + high[axis]) / 2) * scale + middle;
    const moved = strokes.map((each) => each.map((p) => [place(p[0], 0, x), place(p[1], 1, y)]));
    return shrink(moved, rows, cols, PEN * short);
  };
  const pixels = centred([cols / 2, rows / 2]);
  const mass = pixels.reduce((sum, grey) => sum + grey, 0);
  const x = pixels.reduce((sum, grey, i) => sum + grey * ((i % cols) + 0.5), 0) / mass;
  const y = pixels.reduce((sum, grey, i) => sum + grey * (Math.floor(i / cols) + 0.5), 0) / mass;
  return centred([cols - x, rows - y]);
}

// Puts a pad into `parent`, for images of rows by cols; calls `changed` after each stroke's
// every move. Returns { image, clear, get, set }: the drawing as an image, null without one, and
// as the text of its points, x.y_x.y*x.y.
export function makePad(parent, { rows, cols }, changed) {
  parent.classList.add("explorer-pad");
  parent.innerHTML = `<b>Draw a digit</b>
    <canvas tabindex="0" role="application" aria-label="Pad to draw a digit on. Arrow keys move
    the pen, Space puts it down or lifts it, Backspace clears the drawing."></canvas>
    <button type="button">Clear the drawing</button>
    <p>Use a mouse, a pen or a finger, or arrow keys and Space. Your digit is sized and centred
    as MNIST's are. Clearing it brings the test digit back.</p>`;
  const canvas = parent.querySelector("canvas");
  const dots = Math.max(1, window.devicePixelRatio || 1);
  canvas.width = canvas.height = Math.round(PAD_SIZE * dots);
  const c = canvas.getContext("2d");
  c.scale(dots, dots);

  let [strokes, image] = [[], null];
  let pen = null; // moved by keys: { at: [x, y], isDown }
  const draw = () => {
    const { color } = getComputedStyle(canvas);
    c.clearRect(0, 0, PAD_SIZE, PAD_SIZE);
    drawStrokes(c, strokes, PEN * PAD_SIZE, color);
    if (!pen) return;
    const size = pen.isDown ? PEN * PAD_SIZE : 1.5 * PEN * PAD_SIZE;
    outline(c, ...pen.at.map((each) => each - size / 2), size, size, "#d55e00", 3);
  };
  const clear = () => {
    [strokes, image, pen] = [[], null, null];
    draw();
  };
  const show = () => {
    image = null;
    draw();
    changed();
  };
  const extend = (point) => {
    strokes.at(-1).push(point.map(Math.round));
    show();
  };
  const follow = (event) => {
    const frame = canvas.getBoundingClientRect(); // scaled, where a part of the page is
    const pixel = canvas.offsetWidth / frame.width;
    extend([event.clientX - frame.left, event.clientY - frame.top].map((at) => at * pixel));
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pen = null;
    strokes.push([]);
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons || !strokes.length) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    (moves.length ? moves : [event]).forEach(follow);
  });
  canvas.addEventListener("keydown", (event) => {
    const { key } = event;
    if (!ARROWS[key] && ![" ", "Enter", "Backspace"].includes(key)) return;
    event.preventDefault();
    if (key === "Backspace") return button.click();
    const [down, right] = ARROWS[key] ?? [0, 0];
    const inside = (at) => Math.min(Math.max(at, STEP), PAD_SIZE - STEP);
    pen ??= { at: [PAD_SIZE / 2, PAD_SIZE / 4], isDown: false };
    pen.at = [inside(pen.at[0] + STEP * right), inside(pen.at[1] + STEP * down)];
    if (!ARROWS[key] && (pen.isDown = !pen.isDown)) strokes.push([]);
    if (pen.isDown) extend(pen.at);
    else draw();
  });
  const button = parent.querySelector("button");
  button.addEventListener("click", () => {
    clear();
    changed();
  });
  return {
    image: () => strokes.length ? (image ??= digitOfStrokes(strokes, rows, cols)) : null,
    clear,
    get: () => strokes.map((points) => points.map((at) => at.join(".")).join("_")).join("*"),
    set(text) {
      const drawn = text.split("*").map((each) => each.split("_").map((at) => at.split(".")));
      const isDrawn = /^\d{1,3}\.\d{1,3}([_*]\d{1,3}\.\d{1,3})*$/.test(text);
      if (isDrawn) strokes = drawn.map((points) => points.map((at) => at.map(Number)));
      if (isDrawn) show();
      return isDrawn;
    },
  };
}
