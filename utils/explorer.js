// The view of every explorer: draws what the kernel sent, at the level of noise that
// the slider is at. Needs the kernel for nothing that it already holds.

const INK = "#222222";
const FAINT = "#777777";
const GRID = "#e4e4e4";
const WITH = "#0072B2"; // the colours of the figures (Okabe and Ito 2008)
const WITHOUT = "#D55E00";
const SERIES = [WITH, WITHOUT, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
const FONT = "system-ui, 'DejaVu Sans', sans-serif";
const NO_ANSWER = "The kernel is busy or gone. The level of noise can still be moved.";
const SILENCE = 2000; // milliseconds without an answer, after which the view says so

function element(parent, tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function makeCanvas(parent, width, height) {
  const canvas = element(parent, "canvas");
  const dots = Math.max(1, window.devicePixelRatio || 1);
  Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  return context;
}

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const floats = (view) => // copied, because a message's parts need not be aligned
  new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const row = (array, rows, i) => array.subarray((array.length / rows) * i, (array.length / rows) * (i + 1));
const percent = (share) => `${Math.round(100 * share)}%`;
const largest = (array) => array.indexOf(Math.max(...array));

// ---- drawing on a canvas -----------------------------------------------------------

function write(c, words, x, y, { size = 12, align = "left", colour = INK, bold = false, room } = {}) {
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

// Axes in a box: returns how to place values. Ticks are [value, text].
function axes(c, box, { title, xlim, ylim, xticks, yticks, xlabel, ylabel }) {
  const x = (value) => box.x + ((value - xlim[0]) / (xlim[1] - xlim[0])) * box.width;
  const y = (value) => box.y + box.height * (1 - (value - ylim[0]) / (ylim[1] - ylim[0]));
  write(c, title, box.x, box.y - 12, { size: 13, bold: true });
  for (const [value, text] of yticks) {
    line(c, [[box.x, y(value)], [box.x + box.width, y(value)]], GRID);
    write(c, text, box.x - 6, y(value) + 4, { size: 11, align: "right" });
  }
  for (const [value, text] of xticks) write(c, text, x(value), box.y + box.height + 16, { size: 11, align: "center" });
  line(c, [[box.x, box.y], [box.x, box.y + box.height], [box.x + box.width, box.y + box.height]], FAINT);
  write(c, xlabel, box.x + box.width / 2, box.y + box.height + 34, { align: "center" });
  c.save();
  c.translate(box.x - 42, box.y + box.height / 2);
  c.rotate(-Math.PI / 2);
  write(c, ylabel, 0, 0, { align: "center" });
  c.restore();
  return { x, y };
}

// Values as pixels, `colour(value)` giving [red, green, blue], scaled without smoothing.
function raster(c, values, [rows, cols], colour, x, y, width, height) {
  const small = new OffscreenCanvas(cols, rows);
  const pixels = new ImageData(cols, rows);
  values.forEach((value, i) => pixels.data.set([...colour(value), 255], 4 * i));
  small.getContext("2d").putImageData(pixels, 0, 0);
  c.imageSmoothingEnabled = false;
  c.drawImage(small, x, y, width, height);
}

const ink = (level) => [255 - level, 255 - level, 255 - level];

// ---- panels: each draws one level of noise in its box ------------------------------

function fitted([rows, cols], box) {
  const pixel = Math.min(box.width / cols, box.height / rows);
  return { width: pixel * cols, height: pixel * rows, pixel };
}

const PANELS = {
  image(c, box, { image, shape, level, unit }) {
    const { width, height } = fitted(shape, box);
    write(c, `Noise ${levelText(level)} (${unit})`, box.x, box.y - 12, { size: 13, bold: true });
    raster(c, image, shape, ink, box.x, box.y, width, height);
    c.strokeStyle = FAINT;
    c.lineWidth = 1;
    c.strokeRect(box.x, box.y, width, height);
  },

  histogram(c, box, { histogram, edges }) {
    const decades = [-4, -3, -2, -1, 0];
    const { x, y } = axes(c, box, {
      title: "How often each grey level occurs",
      xlim: [edges[0], edges.at(-1)],
      ylim: [-4, 0],
      xticks: [[-255, "−255"], [0, "0"], [255, "255"], [510, "510"]],
      yticks: decades.map((d) => [d, ["0.0001", "0.001", "0.01", "0.1", "1"][d + 4]]),
      xlabel: "grey level (0: paper, 255: ink)",
      ylabel: "share of pixels",
    });
    c.fillStyle = "rgb(0 0 0 / 6%)";
    c.fillRect(x(edges[0]), box.y, x(0) - x(edges[0]), box.height);
    c.fillRect(x(255), box.y, x(edges.at(-1)) - x(255), box.height);
    write(c, "as paper", x(-129), box.y + 14, { size: 11, align: "center", colour: FAINT });
    write(c, "as ink", x(387), box.y + 14, { size: 11, align: "center", colour: FAINT });
    c.fillStyle = WITH;
    histogram.forEach((share, i) => {
      if (share <= 0) return;
      const top = y(Math.max(Math.log10(share), -4));
      c.fillRect(x(edges[i]) + 0.5, top, x(edges[i + 1]) - x(edges[i]) - 1, y(-4) - top);
    });
  },

  map(c, box, { image, shape, gains, gainShape, gainColour, gainMaximum }) {
    const { width, height, pixel } = fitted(shape, box);
    const [rows, cols] = gainShape;
    write(c, "Gain of attention, on the image", box.x, box.y - 12, { size: 13, bold: true });
    c.save();
    c.beginPath();
    c.rect(box.x, box.y, width, height);
    c.clip();
    // A place of conv_2 stands for 2 pixels each way; the first is centred on -0.5.
    raster(c, gains, gainShape, gainColour, box.x - 1.5 * pixel, box.y - 1.5 * pixel, 2 * cols * pixel, 2 * rows * pixel);
    c.globalCompositeOperation = "multiply";
    c.globalAlpha = 0.55;
    raster(c, image, shape, ink, box.x, box.y, width, height);
    c.restore();
    c.strokeStyle = FAINT;
    c.lineWidth = 1;
    c.strokeRect(box.x, box.y, width, height);
    const x = box.x + width + 14;
    for (let i = 0; i < height; i++) {
      const [r, g, b] = gainColour((1 - i / height) * gainMaximum);
      c.fillStyle = `rgb(${r} ${g} ${b})`;
      c.fillRect(x, box.y + i, 14, 1.5);
    }
    c.strokeRect(x, box.y, 14, height);
    for (let gain = 0; gain <= gainMaximum; gain++) {
      const text = gain === gainMaximum ? `${gain} or more` : gain === 1 ? "1 (as control)" : `${gain}`;
      write(c, text, x + 20, box.y + height * (1 - gain / gainMaximum) + 4, { size: 11 });
    }
  },

  answer(c, box, { probabilities, without, label, attentive }) {
    const { x, y } = axes(c, box, {
      title: attentive ? "The answer" : "What the network answers",
      xlim: [-0.6, 9.6],
      ylim: [0, 1],
      xticks: [...Array(10).keys()].map((digit) => [digit, digit === label ? "" : `${digit}`]),
      yticks: [0, 0.25, 0.5, 0.75, 1].map((p) => [p, `${p}`]),
      xlabel: label === null ? "digit" : "digit (large: the label)",
      ylabel: "probability",
    });
    if (label !== null) write(c, `${label}`, x(label), box.y + box.height + 16, { size: 14, align: "center", bold: true });
    const series = attentive ? [[probabilities, WITH, "with attention"], [without, WITHOUT, "without"]] : [[without, WITH, ""]];
    const width = (0.8 * (x(1) - x(0))) / series.length;
    series.forEach(([values, colour, name], s) => {
      c.fillStyle = colour;
      values.forEach((p, digit) => c.fillRect(x(digit - 0.4) + s * width, y(p), width - 1, y(0) - y(p)));
      if (!name) return;
      const right = box.x + box.width - (s ? 0 : 82);
      write(c, name, right, box.y - 12, { align: "right" });
      const start = right - c.measureText(name).width - 15;
      c.fillStyle = colour;
      c.fillRect(start, box.y - 22, 11, 11);
    });
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
    c.save();
    c.beginPath();
    c.rect(box.x, box.y - 2, box.width, box.height + 4);
    c.clip();
    line(c, [...sorted].flatMap((gain, i) => [[x(i), y(gain)], [x(i + 1), y(gain)]]), WITH, 2);
    c.restore();
    const range = `${sorted.at(-1).toFixed(2)} to ${sorted[0].toFixed(2)}`;
    write(c, range, box.x + box.width, box.y - 12, { align: "right" });
  },

  curves(c, box, { arms, colours, chosen, run, epoch, epochs, condition, limits, points }) {
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
    const curve = (values, ...style) => line(c, values.map((value, i) => [x(i + 1), y(value)]), ...style);
    arms.forEach((arm, a) => {
      curve(meanOf(arm, condition), colours[a], a === chosen && run < 0 ? 3.5 : 1.2);
      arm.runs.forEach((each, r) => {
        each[condition].forEach((value, i) => points.push({ x: x(i + 1), y: y(value), a, r, epoch: i + 1 }));
        if (a !== chosen) return;
        curve(each[condition], colours[a], r === run ? 3.5 : 1, r === run ? [] : [2, 2]);
      });
    });
  },

  runs(c, box, { arms, colours, chosen, run, epoch, condition, limits, points }) {
    const { x } = axes(c, box, {
      title: `After epoch ${epoch}`,
      xlim: limits.ends,
      ylim: [0, 1],
      xticks: limits.ticks,
      yticks: [],
      xlabel: "test images named right",
      ylabel: "",
    });
    write(c, "dots: runs, bar: their mean", box.x - 10, box.y - 12, { size: 11, align: "right", colour: FAINT });
    arms.forEach((arm, a) => {
      const y = box.y + (box.height * (a + 0.5)) / arms.length;
      write(c, arm.label, box.x - 10, y + 4, { size: 11, align: "right", bold: a === chosen, room: 190 });
      const mean = meanOf(arm, condition)[epoch - 1];
      if (mean !== undefined) line(c, [[x(mean), y - 10], [x(mean), y + 10]], INK, 2);
      arm.runs.forEach((each, r) => {
        const value = each[condition][epoch - 1];
        if (value === undefined) return;
        c.beginPath();
        c.arc(x(value), y, a === chosen && r === run ? 7 : 4, 0, 7);
        c.fillStyle = colours[a];
        c.fill();
        points.push({ x: x(value), y, a, r, epoch });
      });
    });
  },
};

const levelText = (level) => level.toFixed(level > 1 ? 1 : 2);
const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanOf = (arm, condition) =>
  arm.runs[0][condition].map((_, i) => average(arm.runs.map((run) => run[condition][i])));

// An axis of accuracy that holds all values, with round ticks.
function accuracyAxis(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25].find((each) => (high - low) / each <= 6) ?? 0.5;
  const [first, last] = [Math.floor(low / step), Math.max(Math.floor(low / step) + 1, Math.ceil(high / step))];
  const ticks = [...Array(last - first + 1).keys()].map((i) => (first + i) * step);
  const digits = step < 0.01 ? 1 : 0;
  return { ends: [ticks[0], ticks.at(-1)], ticks: ticks.map((v) => [v, `${(100 * v).toFixed(digits)}%`]) };
}

// Where the panels are: [x, y, width, height]; and the size of the picture.
const LAYOUTS = {
  "image,histogram": { size: [860, 300], image: [10, 36, 224, 224], histogram: [310, 36, 460, 200] },
  "image,histogram,answer": {
    size: [860, 300],
    image: [10, 36, 224, 224],
    histogram: [310, 36, 230, 200],
    answer: [610, 36, 240, 200],
  },
  "image,map,answer,profile": {
    size: [620, 510],
    image: [10, 36, 224, 224],
    map: [260, 36, 224, 224],
    answer: [54, 320, 310, 140],
    profile: [424, 320, 176, 140],
  },
  "curves,runs": { size: [860, 330], curves: [70, 36, 350, 240], runs: [650, 36, 190, 240] },
};

// ---- what is drawn -----------------------------------------------------------------

// A digit at the level of noise that the slider is at.
function digitState(setup, picture, controls) {
  const count = picture.levels.length;
  const level = controls["noise-slider"];
  const share = level.get("value") / level.get("max");
  const i = count === 1 ? 0 : Math.round(share * (count - 1));
  const attentive = setup.panels.includes("map");
  const state = {
    ...setup,
    ...picture,
    attentive,
    level: picture.levels[i],
    image: row(picture.images, count, i),
    histogram: row(picture.histogram, count, i),
  };
  state.words = `${picture.subject}, noise ${levelText(state.level)}`;
  if (picture.gains) {
    for (const key of ["gains", "probabilities", "without"]) state[key] = row(picture[key], count, i);
    const say = (p) => `${largest(p)} (${percent(Math.max(...p))})`;
    const without = `${attentive ? "without attention" : "the network answers"} ${say(state.without)}`;
    state.words += attentive ? `; ${picture.looking}: ${say(state.probabilities)}; ${without}` : `: ${without}`;
  }
  // The picture of one level is the same as that level's in the sweep that follows.
  state.key = `${picture.settings}, ${Math.round(share * 1000)}`;
  return state;
}

// A study at the epoch, arm, test condition and run that are chosen. `points` fills up
// with the runs drawn, for the pointer.
function studyState(setup, controls) {
  const index = (name) => controls[name].get("index");
  const [chosen, run, epoch] = [index("cell-select"), index("run-select") - 1, controls["epoch-slider"].get("value")];
  const condition = setup.conditions[index("condition-select")];
  const { runs, label } = setup.arms[chosen];
  const values = runs.map((each) => each[condition][epoch - 1]).filter((value) => value !== undefined);
  let words = `${label}, epoch ${epoch}: no such run`;
  if (run >= 0 && run < runs.length) words = runWords(setup, chosen, run, epoch, condition);
  if (run < 0 && values.length) {
    const mean = average(values);
    const error = Math.sqrt(average(values.map((v) => (v - mean) ** 2)) / (values.length - 1));
    words = `${label}, epoch ${epoch}: ${(100 * mean).toFixed(2)}%`;
    if (values.length > 1) words += ` ± ${(100 * error).toFixed(2)} (mean of ${values.length} runs, standard error)`;
  }
  const all = setup.arms.flatMap((arm) => arm.runs.flatMap((each) => each[condition]));
  return {
    ...setup,
    ...{ chosen, run, epoch, condition, words, points: [], limits: accuracyAxis(all) },
    colours: setup.arms.map((_, a) => SERIES[a % SERIES.length]),
    key: [chosen, run, condition, epoch].join(),
  };
}

function runWords(setup, a, r, epoch, condition) {
  const { label, runs } = setup.arms[a];
  const value = runs[r][condition][epoch - 1];
  const named = value === undefined ? "not that long" : `${(100 * value).toFixed(2)}%`;
  return `${label}, run ${r + 1} (seed ${runs[r].seed}), epoch ${epoch}: ${named}`;
}

// ---- the view ----------------------------------------------------------------------

async function render({ model, el }) {
  const { gain_maximum: gainMaximum, gain_colours: table, ...fixed } = model.get("setup");
  const setup = { ...fixed, gainMaximum };
  const layout = LAYOUTS[setup.panels.join()];
  const isStudy = setup.panels.includes("curves");

  el.classList.add("explorer-view");
  const holder = element(el, "div", "explorer-image");
  const c = makeCanvas(holder, ...layout.size);
  c.canvas.setAttribute("role", "img");
  const status = element(el, "div", "explorer-status", "waiting for the kernel");
  status.setAttribute("role", "status");
  status.style.width = `${layout.size[0]}px`;

  let [updates, due, silence, asked] = [0, 0, 0, 0];
  let [picture, shown, drawn, remark] = [null, null, "", ""];

  const say = (words, milliseconds) => {
    status.textContent = [`update ${updates}`, `${milliseconds.toFixed(1)} ms`, words, remark, setup.note]
      .filter(Boolean).join(" · ");
  };
  // Whether the kernel owes an answer; if none comes, say so.
  const listen = (owed) => {
    clearTimeout(silence);
    silence = owed && setTimeout(() => complain(NO_ANSWER), SILENCE);
    holder.ariaBusy = `${owed}`;
  };
  const complain = (words) => {
    listen(false);
    drawn = ""; // so that the next picture, even if it is the same, replaces this
    status.classList.add("explorer-problem");
    say(words, 0);
  };

  function paint(repaint = false) {
    due = 0;
    const start = performance.now();
    try {
      const state = isStudy ? studyState(setup, controls) : digitState(setup, picture, controls);
      if (state.key === drawn && !repaint) return;
      c.fillStyle = "#ffffff";
      c.fillRect(0, 0, ...layout.size);
      for (const panel of setup.panels) {
        const [x, y, width, height] = layout[panel];
        PANELS[panel](c, { x, y, width, height }, state);
      }
      if (state.key === drawn) return;
      updates += 1;
      [shown, drawn] = [state, state.key];
      status.classList.remove("explorer-problem");
      c.canvas.setAttribute("aria-label", state.words);
      say(state.words, performance.now() - (asked || start));
      asked = 0;
    } catch (error) {
      complain(`${error}`);
    }
  }
  const request = () => (due ||= requestAnimationFrame(() => paint()));

  function receive() {
    const sent = model.get("picture");
    const gainColour = (gain) => {
      const share = gain <= 1 ? gain / 2 : 0.5 + (gain - 1) / (2 * (gainMaximum - 1));
      const i = 3 * Math.min(255, Math.floor(256 * share));
      return [table.getUint8(i), table.getUint8(i + 1), table.getUint8(i + 2)];
    };
    picture = { ...sent, gainColour, gainShape: sent.gain_shape, images: bytes(sent.images) };
    for (const key of ["histogram", "gains", "probabilities", "without"]) {
      if (sent[key]) picture[key] = floats(sent[key]);
    }
    listen(false);
    // Any message acknowledges what came. Without one, the server would hold back that
    // the kernel is idle, and ipywidgets the slider's next value until it hears so.
    if (sent.levels.length === 1) setTimeout(() => model.send({}), 2);
    request();
  }

  // What the browser holds is drawn at once; anything else is asked of the kernel.
  function change(name) {
    asked = performance.now();
    listen(!isStudy && (name !== "noise-slider" || picture.levels.length === 1));
    request();
  }

  const controls = {};
  for (const [name, id] of Object.entries(model.get("controls"))) {
    controls[name] = await model.widget_manager.get_model(id.replace("IPY_MODEL_", ""));
    controls[name].on("change:value change:index change:drawn", () => change(name), el);
  }

  // ipywidgets moves a number typed beyond a slider's end to the end, without a word.
  const forget = () => (remark = "");
  const typed = (event) => {
    const readout = event.target.closest?.(".widget-readout");
    if (!readout?.closest(".explorer")?.contains(el) || (event.key ?? "Enter") !== "Enter") return;
    const name = Object.keys(controls).find((each) => readout.closest(`.${each}`));
    const [value, max] = [Number(readout.textContent.replaceAll(",", "")), controls[name].get("max")];
    if (value >= 0 && value <= max) return forget();
    remark = `${readout.textContent} is not from 0 to ${max}: the nearest is shown`;
    if (Number.isNaN(value)) remark = `"${readout.textContent}" is not a number: nothing has changed`;
    drawn = "";
    request();
  };
  document.addEventListener("keydown", typed, true);
  document.addEventListener("focusout", typed, true);
  document.addEventListener("pointerdown", forget, true);

  const near = (event) => {
    const frame = c.canvas.getBoundingClientRect();
    const far = (p) => Math.hypot(p.x - (event.clientX - frame.left), p.y - (event.clientY - frame.top));
    const nearest = shown?.points.reduce((best, p) => (far(p) < far(best) ? p : best), { x: -99, y: -99 });
    return nearest && far(nearest) < 12 ? nearest : null;
  };
  if (isStudy) {
    c.canvas.addEventListener("pointermove", (event) => {
      const { a, r, epoch } = near(event) ?? {};
      c.canvas.style.cursor = r === undefined ? "" : "pointer";
      say(r === undefined ? shown.words : runWords(setup, a, r, epoch, shown.condition), 0);
    });
    c.canvas.addEventListener("click", (event) => {
      const { a, r, epoch } = near(event) ?? {};
      if (r === undefined) return;
      for (const [name, key, value] of [["cell-select", "index", a], ["run-select", "index", r + 1], ["epoch-slider", "value", epoch]]) {
        controls[name].set(key, value);
        controls[name].save_changes();
      }
    });
  }

  model.on("change:picture", receive);
  model.on("change:problem", () => complain(model.get("problem").words));
  if (isStudy) request();
  else receive();

  // A canvas that was scrolled out of the notebook may come back blank.
  const seen = new IntersectionObserver(() => paint(true));
  seen.observe(c.canvas);
  return () => {
    seen.disconnect();
    clearTimeout(silence);
    for (const control of Object.values(controls)) control.off(null, null, el);
    document.removeEventListener("keydown", typed, true);
    document.removeEventListener("focusout", typed, true);
    document.removeEventListener("pointerdown", forget, true);
  };
}

export default { render };
