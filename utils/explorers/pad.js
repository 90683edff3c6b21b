// A pad to draw a digit on, with mouse, pen or finger. What is drawn is sent at once,
// as an image of grey levels made as MNIST's were.

const SIZE = 224;
const EXTENT = 20 / 28; // MNIST's digits are as large as fits 20 of 28 pixels,
const PEN = 2.4 / 28; // their strokes about this wide,
const FINE = 4; // and their edges grey: this many subpixels a side are averaged

function draw(c, strokes, width) {
  c.lineWidth = width;
  c.lineCap = c.lineJoin = "round";
  c.strokeStyle = "#000000";
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
  draw(c, strokes.map((points) => points.map(([x, y]) => [x * FINE, y * FINE])), width * FINE);
  const { data } = c.getImageData(0, 0, cols * FINE, rows * FINE);
  return Uint8Array.from({ length: rows * cols }, (_, i) => {
    const corner = Math.floor(i / cols) * FINE * cols * FINE + (i % cols) * FINE;
    let sum = 0;
    for (let k = 0; k < FINE * FINE; k++) {
      sum += data[4 * (corner + Math.floor(k / FINE) * cols * FINE + (k % FINE)) + 3];
    }
    return Math.round(sum / FINE ** 2);
  });
}

// Strokes as MNIST has them: sized to fit (but at most twice as large as drawn, so that
// a dot stays one), and the centre of mass in the middle.
function digit(strokes, [rows, cols]) {
  const short = Math.min(rows, cols);
  const points = strokes.flat();
  const corner = (of) => [0, 1].map((axis) => of(...points.map((point) => point[axis])));
  const [low, high] = [corner(Math.min), corner(Math.max)];
  const extent = Math.max(1, high[0] - low[0], high[1] - low[1]);
  const scale = Math.min(((EXTENT - PEN) * short) / extent, (2 * short) / SIZE);
  const centred = ([x, y]) => {
    const place = (at, axis, middle) => (at - (low[axis] + high[axis]) / 2) * scale + middle;
    const moved = strokes.map((each) => each.map((p) => [place(p[0], 0, x), place(p[1], 1, y)]));
    return shrink(moved, rows, cols, PEN * short);
  };
  const pixels = centred([cols / 2, rows / 2]);
  const mass = pixels.reduce((sum, ink) => sum + ink, 0);
  const x = pixels.reduce((sum, ink, i) => sum + ink * ((i % cols) + 0.5), 0) / mass;
  const y = pixels.reduce((sum, ink, i) => sum + ink * (Math.floor(i / cols) + 0.5), 0) / mass;
  return centred([cols - x, rows - y]);
}

function render({ model, el }) {
  el.classList.add("explorer-pad");
  el.innerHTML = `<b>Draw a digit</b><canvas aria-label="Pad to draw a digit on"></canvas>
    <button type="button">Clear the drawing</button>
    <p>Use a mouse, a pen or a finger. Your digit is sized and centred as MNIST's are.
    Clearing it brings the test digit back.</p>`;
  const canvas = el.querySelector("canvas");
  const dots = Math.max(1, window.devicePixelRatio || 1);
  canvas.width = canvas.height = Math.round(SIZE * dots);
  const c = canvas.getContext("2d");
  c.scale(dots, dots);

  let [strokes, due, late] = [[], false, false];
  const wipe = () => {
    strokes = [];
    c.clearRect(0, 0, SIZE, SIZE);
  };
  const send = (pixels) => {
    model.set("drawn", new DataView(pixels.buffer));
    model.save_changes();
  };
  // The first move within a frame is sent at once, those that follow it in one go.
  const tell = () => {
    late = due;
    if (due) return;
    due = true;
    if (strokes.length) send(digit(strokes, model.get("shape")));
    requestAnimationFrame(() => {
      due = false;
      if (late) tell();
    });
  };
  const extend = (event) => {
    const frame = canvas.getBoundingClientRect();
    strokes.at(-1).push([event.clientX - frame.left, event.clientY - frame.top]);
    draw(c, strokes.slice(-1), PEN * SIZE);
    tell();
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    strokes.push([]);
    extend(event);
  });
  // Where a browser has it, the event that does not wait for the next frame.
  const moved = "onpointerrawupdate" in canvas ? "pointerrawupdate" : "pointermove";
  canvas.addEventListener(moved, (event) => {
    if (event.buttons && strokes.length) (event.getCoalescedEvents?.() ?? [event]).forEach(extend);
  });
  el.querySelector("button").addEventListener("click", () => {
    wipe();
    send(new Uint8Array(0));
  });
  model.on("change:drawn", () => model.get("drawn").byteLength || wipe());
}

export default { render };
