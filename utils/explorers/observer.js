// The reader as the observer: a noisy digit somewhere on a canvas, a key for what it is,
// and the psychometric function that comes of it. Sent with panels.js, as one module.

const SIZE = 308; // of the stimulus, CSS pixels
const PLOT = { x: 378, y: 36, width: 380, height: 224 };
const CUED = { false: WITHOUT, true: WITH };
const CUE_WORDS = { false: "you, no cue", true: "you, with the cue" };
const NETWORKS = ["#009E73", "#CC79A7", "#555555"];

function add(parent, tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function stimulus(c, { image, shape, cue }) {
  const pixels = new Uint8Array(image.buffer, image.byteOffset, image.byteLength);
  const pixel = SIZE / Math.max(...shape);
  raster(c, pixels, shape, ink, 0, 0, pixel * shape[1], pixel * shape[0]);
  if (!cue) return;
  const [top, left, rows, cols] = cue.map((each) => each * pixel);
  c.strokeStyle = WITH;
  c.lineWidth = 2;
  c.setLineDash([cols / 4, cols / 2, cols / 4, 0, rows / 4, rows / 2, rows / 4, 0]);
  c.strokeRect(left, top, cols, rows); // its four corners
  c.setLineDash([]);
}

function plot(c, { levels, networks }, { counts, fits }) {
  const [low, high] = [Math.log(levels[0] / 1.25), Math.log(levels.at(-1) * 1.25)];
  const { x, y } = axes(c, PLOT, {
    title: "Right answers against noise",
    xlim: [low, high],
    ylim: [0, 1],
    xticks: levels.map((level) => [Math.log(level), `${level}`]),
    yticks: [0, 0.25, 0.5, 0.75, 1].map((p) => [p, `${p}`]),
    xlabel: "noise (SD in grey levels)",
    ylabel: "share of right answers",
  });
  const ends = [[x(low), y(0.1)], [x(high), y(0.1)]];
  line(c, ends, FAINT, 1, [2, 3]);
  write(c, "guessing", PLOT.x + 4, y(0.1) - 4, { size: 11, colour: FAINT });
  const curve = (points, colour, width, dash) => {
    line(c, points.map(([level, p]) => [x(Math.log(level)), y(p)]), colour, width, dash);
  };
  const names = [];
  networks.forEach(({ label, points }, i) => {
    curve(points, NETWORKS[i % NETWORKS.length], 1.5, [5, 3]);
    names.push([label, NETWORKS[i % NETWORKS.length]]);
  });
  for (const { cued, points } of fits) curve(points, CUED[cued], 2.5, []);
  for (const { cued, level, right, trials } of counts) {
    const p = right / trials;
    c.fillStyle = CUED[cued];
    c.beginPath();
    c.arc(x(Math.log(level)) + (cued ? 3 : -3), y(p), Math.min(9, 2.5 + Math.sqrt(trials)), 0, 7);
    c.fill();
  }
  for (const cued of [false, true]) {
    if (counts.some((each) => each.cued === cued)) names.push([CUE_WORDS[cued], CUED[cued]]);
  }
  names.forEach(([label, colour], i) => {
    const top = PLOT.y + 8 + 16 * i;
    c.fillStyle = colour;
    c.fillRect(PLOT.x + PLOT.width - 150, top, 11, 11);
    write(c, label, PLOT.x + PLOT.width - 134, top + 10, { size: 11 });
  });
}

function render({ model, el }) {
  el.classList.add("explorer-observer");
  const setup = model.get("setup");
  const canvas = add(el, "canvas", "observer-picture");
  const dots = Math.max(1, window.devicePixelRatio || 1);
  const [width, height] = [PLOT.x + PLOT.width + 20, SIZE];
  Object.assign(canvas, { width: width * dots, height: height * dots });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const c = canvas.getContext("2d");
  c.scale(dots, dots);

  const row = add(el, "div", "observer-keys");
  const status = add(el, "div", "explorer-status");
  status.setAttribute("role", "status");

  let answered = -1; // the trial that has an answer already
  const answer = (digit) => {
    const { number } = model.get("trial");
    if (number === answered) return; // the next one is on its way
    answered = number;
    model.send({ answer: digit, number });
  };
  for (let digit = 0; digit < 10; digit++) {
    const button = add(row, "button", "observer-key", `${digit}`);
    button.type = "button";
    button.addEventListener("click", () => answer(digit));
  }
  const label = add(row, "label", "observer-cue");
  const box = add(label, "input", "");
  box.type = "checkbox";
  label.append(" show a cue: where the digit is");
  box.addEventListener("change", () => {
    model.set("cued", box.checked);
    model.save_changes();
    el.focus();
  });
  add(row, "span", "observer-help", "Click the picture, then type the digit that you see.");

  el.tabIndex = 0; // keys are heard where the focus is, and nowhere else:
  el.dataset.lmSuppressShortcuts = "true"; // in JupyterLab, an x would cut the cell
  canvas.addEventListener("pointerdown", () => el.focus());
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab") return;
    event.stopPropagation();
    if (/^[0-9]$/.test(event.key)) answer(Number(event.key));
  });

  const draw = () => {
    const [trial, result] = [model.get("trial"), model.get("result")];
    box.checked = model.get("cued");
    c.fillStyle = "#ffffff";
    c.fillRect(0, 0, width, height);
    stimulus(c, trial);
    c.strokeStyle = FAINT;
    c.lineWidth = 1;
    c.strokeRect(0.5, 0.5, SIZE - 1, SIZE - 1);
    plot(c, setup, result);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `A digit in noise of SD ${trial.level}`);
    status.textContent = `trial ${trial.number} · noise SD ${trial.level} · ${result.words}`;
    status.classList.toggle("explorer-problem", Boolean(result.problem));
  };
  model.on("change:trial change:result", () => requestAnimationFrame(draw));
  draw();
}

export default { render };
