// The view of an explorer: draws what the kernel sent, for the value that the control in
// hand is at, and says so. For what it already holds it needs no kernel.

const NO_ANSWER = "The kernel is busy or gone. The control used last may still be moved.";
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
const row = (array, rows, i) => {
  const length = array.length / rows;
  return array.subarray(length * i, length * (i + 1));
};
const likeliest = (p) =>
  p.every(Number.isFinite)
    ? `${p.indexOf(Math.max(...p))} (${Math.round(100 * Math.max(...p))}%)`
    : "nothing (its weights are not finite)";

// Where in a sweep the control in hand stands; -1 if the sweep does not hold its value.
// A choice is known by its place, the noise drawn by how often it was drawn anew.
const alike = (one, other) => Math.abs(one - other) < 1e-6;
const valueOf = (name, controls) => {
  if (name === "pad") return bytes(controls.pad.get("drawn")).reduce((sum, x) => sum + x, 0);
  return controls[name].get(name.endsWith("select") ? "index" : "value");
};
function placeIn({ hand, values, draws }, controls) {
  const value = hand === "fresh-draw" ? draws : valueOf(hand, controls);
  return values.findIndex((each) => alike(each, value));
}

// Whether what came is what the controls say now, or an answer to what they said before.
function answers(picture, controls) {
  return Object.entries(picture.controls).every(
    ([name, value]) =>
      alike(value, valueOf(name, controls)) ||
      (name === picture.hand && placeIn(picture, controls) >= 0),
  );
}

// A digit as the controls have it: one picture of a sweep, or the only one that came.
function digitState(setup, picture, controls) {
  const count = picture.each.length;
  const i = Math.max(0, placeIn(picture, controls));
  const attentive = setup.panels.includes("map");
  const state = {
    ...setup,
    ...picture,
    ...picture.each[i],
    attentive,
    image: row(picture.images, count, i),
    histogram: row(picture.histogram, count, i),
  };
  state.words = `${state.subject}, noise ${levelText(state.level)}`;
  if (picture.gains) {
    for (const key of ["gains", "probabilities", "without"]) {
      state[key] = row(picture[key], count, i);
    }
    const [attended, control] = [likeliest(state.probabilities), likeliest(state.without)];
    state.words += attentive
      ? `; ${state.looking}: ${attended}; without attention ${control}`
      : `: the network answers ${control}`;
  }
  // A picture that came alone is the same as that one in the sweep that follows.
  state.key = JSON.stringify(picture.each[i]);
  return state;
}

// A study at the epoch, arm, test condition and run that are chosen. `points` fills up
// with the runs drawn, for the pointer.
function studyState(setup, controls) {
  const index = (name) => controls[name].get("index");
  const [chosen, run] = [index("cell-select"), index("run-select") - 1];
  const epoch = controls["epoch-slider"].get("value");
  const condition = setup.conditions[index("condition-select")];
  const { runs, label } = setup.arms[chosen];
  const values = runs.map((each) => each[condition][epoch - 1]).filter((v) => v !== undefined);
  let words = `${label}, epoch ${epoch}: no such run`;
  if (run >= 0 && run < runs.length) words = runWords(setup, chosen, run, epoch, condition);
  if (run < 0 && values.length) {
    const mean = average(values);
    const error = Math.sqrt(average(values.map((v) => (v - mean) ** 2)) / (values.length - 1));
    words = `${label}, epoch ${epoch}: ${(100 * mean).toFixed(2)}%`;
    if (values.length > 1) {
      words += ` ± ${(100 * error).toFixed(2)} (mean of ${values.length} runs, standard error)`;
    }
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

async function render({ model, el }) {
  const { gain_maximum: gainMaximum, gain_colours: table, ...fixed } = model.get("setup");
  const setup = { ...fixed, gainMaximum };
  const isStudy = setup.panels.includes("curves");
  const colours = Array.from({ length: isStudy ? 0 : 256 }, (_, i) =>
    packed(table.getUint8(3 * i), table.getUint8(3 * i + 1), table.getUint8(3 * i + 2)),
  );
  const gainColour = (gain) => {
    const share = gain <= 1 ? gain / 2 : 0.5 + (gain - 1) / (2 * (gainMaximum - 1));
    return colours[Math.min(255, Math.floor(256 * share)) || 0];
  };
  const layout = LAYOUTS[setup.panels.join()];

  el.classList.add("explorer-view");
  const holder = element(el, "div", "explorer-image");
  const c = makeCanvas(holder, ...layout.size);
  c.canvas.setAttribute("role", "img");
  const status = element(el, "div", "explorer-status", "waiting for the kernel");
  status.setAttribute("role", "status");
  status.style.width = `${layout.size[0]}px`;

  let [updates, due, silence, asked] = [0, 0, 0, 0];
  let owed = false;
  let [picture, shown, drawn, remark] = [null, null, "", ""];

  const say = (words, milliseconds) => {
    const parts = [`update ${updates}`, `${milliseconds.toFixed(1)} ms`, words, remark, setup.note];
    status.textContent = parts.filter(Boolean).join(" · ");
  };
  // Busy: what the controls say is not seen yet.
  const tellBusy = () => (holder.ariaBusy = `${Boolean(owed || due)}`);
  // Whether the kernel owes an answer; if none comes for long, say so.
  const listen = (now) => {
    clearTimeout(silence);
    owed = now;
    if (owed) silence = setTimeout(() => complain(NO_ANSWER), SILENCE);
    tellBusy();
  };
  const complain = (words) => {
    cancelAnimationFrame(due);
    [due, drawn] = [0, ""]; // the next picture replaces this, even if it is the same
    status.classList.add("explorer-problem");
    say(words, 0);
    tellBusy();
  };
  const fail = (words) => {
    listen(false);
    complain(words);
  };

  function draw(state) {
    c.fillStyle = "#ffffff";
    c.fillRect(0, 0, ...layout.size);
    for (const panel of setup.panels) {
      const [x, y, width, height] = layout[panel];
      PANELS[panel](c, { x, y, width, height }, state);
    }
  }

  function update() {
    due = 0;
    const start = performance.now();
    try {
      const state = isStudy ? studyState(setup, controls) : digitState(setup, picture, controls);
      if (state.key === drawn) return tellBusy();
      draw(state);
      updates += 1;
      [shown, drawn] = [state, state.key];
      status.classList.remove("explorer-problem");
      c.canvas.setAttribute("aria-label", state.words);
      say(state.words, performance.now() - (asked || start));
      asked = 0;
    } catch (error) {
      fail(`${error}`);
    }
    tellBusy();
  }
  const request = () => {
    due ||= requestAnimationFrame(update);
    tellBusy();
  };

  function receive() {
    const sent = model.get("picture");
    const draws = Math.max(picture?.draws ?? 0, sent.each[0].draw);
    picture = { ...sent, draws, gainColour, gainShape: sent.gain_shape, images: bytes(sent.images) };
    for (const key of ["histogram", "gains", "probabilities", "without"]) {
      if (sent[key]) picture[key] = floats(sent[key]);
    }
    listen(!answers(picture, controls));
    // Any message acknowledges what came. Without one, the server would hold back that
    // the kernel is idle, and ipywidgets the slider's next value until it hears so.
    if (sent.each.length === 1) setTimeout(() => model.send({}), 2);
    request();
  }

  // What the browser holds is drawn at once; anything else is asked of the kernel.
  function change(name) {
    asked = performance.now();
    const held = isStudy || (name === picture.hand && placeIn(picture, controls) >= 0);
    listen(!held);
    if (held) request();
  }

  const controls = {};
  for (const [name, id] of Object.entries(model.get("controls"))) {
    controls[name] = await model.widget_manager.get_model(id.replace("IPY_MODEL_", ""));
    controls[name].on("change:value change:index change:drawn", () => change(name), el);
  }

  // A hand on a control: the kernel sends the pictures of all its values before it moves.
  const take = (event) => {
    if (!event.target.closest?.(".explorer")?.contains(el)) return;
    const hand = Object.keys(controls).find((name) => event.target.closest(`.${name}`));
    if (hand && hand !== picture.hand) model.send({ hand });
  };
  if (!isStudy) {
    document.addEventListener("focusin", take, true);
    document.addEventListener("pointerover", take, true);
  }

  const drawAnew = (event) => {
    if (!event.target.closest?.(".fresh-draw")?.closest(".explorer")?.contains(el)) return;
    picture.draws += 1;
    change("fresh-draw");
  };
  document.addEventListener("click", drawAnew, true);

  // ipywidgets moves a number typed beyond a slider's end to the end, without a word.
  const forget = () => (remark = "");
  const typed = (event) => {
    const readout = event.target.closest?.(".widget-readout");
    if (!readout?.closest(".explorer")?.contains(el)) return;
    if ((event.key ?? "Enter") !== "Enter") return;
    const slider = controls[Object.keys(controls).find((name) => readout.closest(`.${name}`))];
    const [text, min, max] = [readout.textContent, slider.get("min"), slider.get("max")];
    const value = Number(text.replaceAll(",", ""));
    if (value >= min && value <= max) return forget();
    remark = `${text} is not from ${min} to ${max}: the nearest is shown`;
    if (Number.isNaN(value)) remark = `"${text}" is not a number: nothing has changed`;
    drawn = "";
    request();
  };
  document.addEventListener("keydown", typed, true);
  document.addEventListener("focusout", typed, true);
  document.addEventListener("pointerdown", forget, true);

  const near = (event) => {
    const frame = c.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const far = (point) => Math.hypot(point.x - x, point.y - y);
    const nearer = (a, b) => (far(b) < far(a) ? b : a);
    const nearest = shown.points.reduce(nearer, { x: -99, y: -99 });
    return far(nearest) < 12 ? nearest : {};
  };
  if (isStudy) {
    c.canvas.addEventListener("pointermove", (event) => {
      const { a, r, epoch } = near(event);
      c.canvas.style.cursor = r === undefined ? "" : "pointer";
      say(r === undefined ? shown.words : runWords(setup, a, r, epoch, shown.condition), 0);
    });
    c.canvas.addEventListener("click", (event) => {
      const { a, r, epoch } = near(event);
      if (r === undefined) return;
      controls["cell-select"].set("index", a);
      controls["run-select"].set("index", r + 1);
      controls["epoch-slider"].set("value", epoch);
      Object.values(controls).forEach((control) => control.save_changes());
    });
  }

  model.on("change:picture", receive);
  model.on("change:problem", () => fail(model.get("problem").words));
  if (isStudy) request();
  else receive();

  // A canvas that was scrolled out of the notebook may come back blank.
  const seen = new IntersectionObserver(() => shown && draw(shown));
  seen.observe(c.canvas);
  return () => {
    seen.disconnect();
    clearTimeout(silence);
    for (const control of Object.values(controls)) control.off(null, null, el);
    document.removeEventListener("click", drawAnew, true);
    document.removeEventListener("focusin", take, true);
    document.removeEventListener("pointerover", take, true);
    document.removeEventListener("keydown", typed, true);
    document.removeEventListener("focusout", typed, true);
    document.removeEventListener("pointerdown", forget, true);
  };
}

export default { render };
