// The controls of an explorer behind one interface: native elements (a page without a kernel)
// or the models of ipywidgets in JupyterLab. Both are made from the same description, a list of
//
//   { name, kind, label, value, ... }   kind: "slider" (min, max, step, decimals),
//                                       "select" (options: [label, value] each),
//                                       "button" (value: how often it was pressed), or
//                                       "kept" (not shown: what a view keeps for Python)
//   by: { other: { value: { label, max, step, decimals } } }
//                                       these follow a select; the slider keeps its share
//   only: { other: [values] }           enabled only where a select has one of the values
//
// `name` is the CSS class. The interface: get(name), set(name, value), values(), isUntouched(),
// begin({ name: value }), setLabel(name, label) of a button, listen(changed, remarked), end(). A
// control with `by` is read in the unit of the value that rules now, whether or not the slider
// has already been adapted.

const HAND_RESTS = 250; // ms without a step
const PATIENCE = 1000; // ms in which a kernel adapts its controls, if there is one

// What of a slider's range a select rules: [its name, { value: range }].
const ruler = ({ by = {} }) => Object.entries(by)[0] ?? [];

const numberOf = (text) => Number(text.replaceAll(",", ""));
const isNumber = (text) => text.trim() !== "" && !Number.isNaN(numberOf(text));

// Equal, up to the rounding of a slider's steps.
const isAlike = (one, other) => one === other || Math.abs(one - other) < 1e-6;

class Controls {
  constructor(description) {
    this.described = Object.fromEntries(description.map((each) => [each.name, each]));
    this.changed = this.remarked = () => {};
  }

  get(name) {
    const control = this.described[name];
    const [other, ranges] = ruler(control);
    if (!other) return this.read(name);
    const { max, step } = ranges[this.get(other)];
    return step * Math.round(((this.read(name) / this.range(name).max) * max) / step);
  }

  values() {
    return Object.fromEntries(Object.keys(this.described).map((name) => [name, this.get(name)]));
  }

  // Whether every control has the value it was described with, so that a view may begin with
  // others: begin({ name: value }).
  isUntouched() {
    const isAsDescribed = ({ name, value }) => isAlike(this.read(name), value);
    return Object.values(this.described).every(isAsDescribed);
  }

  listen(changed, remarked) {
    [this.changed, this.remarked] = [changed, remarked];
  }

  // Has the controls that follow a select follow it.
  adapt() {
    for (const control of Object.values(this.described)) {
      const [other, ranges] = ruler(control);
      const range = other && ranges[this.get(other)];
      if (range && range.max !== this.range(control.name).max) {
        this.setRange(control.name, range, this.get(control.name));
      }
      const rules = Object.entries(control.only ?? {});
      const enabled = rules.every(([name, values]) => values.includes(this.get(name)));
      if (rules.length) this.enable(control.name, enabled);
    }
  }

  // What to say of a number that was typed, if it cannot be had as it is.
  remark(name, text) {
    const { min } = this.described[name];
    const { max } = this.range(name);
    if (!isNumber(text)) return `"${text}" is not a number: nothing has changed`;
    const value = numberOf(text);
    if (value >= min && value <= max) return "";
    return `${text} is not from ${min} to ${max}: the nearest is shown`;
  }
}

// --- Without a kernel: native elements ------------------------------------------------

// Puts the controls into `parent`, in the groups of names that `groups` has.
export class NativeControls extends Controls {
  constructor(parent, description, groups) {
    super(description);
    this.inputs = {};
    this.ranges = {};
    for (const names of groups) {
      const column = element(parent, "div", "explorer-group");
      for (const name of names) this.add(column, this.described[name]);
    }
    this.adapt();
  }

  add(parent, { name, kind, label, value, ...rest }) {
    if (kind === "kept") {
      this.inputs[name] = { value };
      return;
    }
    const row = element(parent, "div", `explorer-control ${name}`);
    if (kind === "button") {
      const button = element(row, "button", "", label);
      button.type = "button";
      this.inputs[name] = { value, button };
      button.addEventListener("click", () => this.set(name, this.get(name) + 1));
      return;
    }
    const text = element(row, "label", "", label);
    const input = element(row, kind === "select" ? "select" : "input");
    input.id = text.htmlFor = `${name}-${Math.random().toString(36).slice(2)}`;
    this.inputs[name] = input;
    if (kind === "select") {
      for (const [words, each] of rest.options) element(input, "option", "", words).value = each;
    } else {
      input.type = "range";
      this.readout(row, name);
      this.setRange(name, { label, ...rest }, value);
    }
    input.value = value;
    input.addEventListener("input", () => this.tell(name));
  }

  // A number beside the slider, which can be typed too.
  readout(row, name) {
    const readout = element(row, "div", "widget-readout");
    readout.contentEditable = "true";
    readout.inputMode = "decimal";
    readout.setAttribute("role", "textbox");
    const take = () => {
      const typed = readout.textContent;
      if (typed === this.text(name)) return;
      const [remark, old] = [this.remark(name, typed), this.read(name)];
      if (isNumber(typed)) this.inputs[name].value = numberOf(typed);
      this.write(name);
      if (this.read(name) !== old) this.tell(name);
      this.remarked(remark);
    };
    readout.addEventListener("blur", take);
    readout.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      take();
    });
    this.inputs[name].readout = readout;
  }

  text(name) {
    return this.read(name).toFixed(this.ranges[name].decimals);
  }

  // The value beside the slider.
  write(name) {
    const [{ readout }, text] = [this.inputs[name], this.text(name)];
    if (readout.textContent !== text) readout.textContent = text;
  }

  read(name) {
    const { value } = this.inputs[name];
    return this.described[name].kind === "slider" ? Number(value) : value;
  }

  range(name) {
    return this.ranges[name];
  }

  setRange(name, { min = this.ranges[name]?.min ?? 0, max, step, decimals, label }, value) {
    const input = this.inputs[name];
    this.ranges[name] = { min, max, step, decimals };
    Object.assign(input, { min, max, step, value });
    const row = input.parentElement;
    row.querySelector("label").textContent = label;
    input.readout.setAttribute("aria-label", `${label}, as a number`);
    this.write(name);
  }

  enable(name, enabled) {
    const input = this.inputs[name];
    input.disabled = !enabled;
    input.parentElement.classList.toggle("explorer-off", !enabled);
    if (input.readout) input.readout.contentEditable = `${enabled}`;
  }

  set(name, value) {
    this.inputs[name].value = value;
    this.tell(name);
  }

  setLabel(name, label) {
    this.inputs[name].button.textContent = label;
  }

  begin(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, value);
  }

  tell(name) {
    this.remarked("");
    if (this.inputs[name].readout) this.write(name);
    this.adapt();
    this.changed(name);
  }

  end() {}
}

// --- With a kernel: the models of ipywidgets ------------------------------------------

// `models` by name; `view` is the element of the explorer's view, which lies beside them.
// `propose`, called with values, has Python set them, unless it has set others meanwhile.
export class WidgetControls extends Controls {
  constructor(models, description, view, propose) {
    super(description);
    Object.assign(this, { models, view, propose, begun: {} });
    for (const [name, model] of Object.entries(models)) {
      model.on("change:value change:index change:max", () => this.hear(name), this);
    }
    saveAtRest(models, (name) => this.described[name].kind === "slider");
    this.typed = this.typed.bind(this);
    this.forget = () => this.remarked("");
    document.addEventListener("keydown", this.typed, true);
    document.addEventListener("focusout", this.typed, true);
    document.addEventListener("pointerdown", this.forget, true);
  }

  read(name) {
    const [model, { kind, options }] = [this.models[name], this.described[name]];
    if (kind === "select") return options[model.get("index")][1];
    return this.begun[name] ?? model.get("value");
  }

  range(name) {
    return { max: this.models[name].get("max") };
  }

  setRange(name, { max, step, decimals, label }, value) {
    const readout_format = `.${decimals}f`;
    this.save(name, { max, step, value, readout_format, description: label });
  }

  enable(name, enabled) {
    if (this.models[name].get("disabled") === enabled) this.save(name, { disabled: !enabled });
  }

  set(name, value) {
    const { kind, options } = this.described[name];
    if (kind !== "select") return this.save(name, { value });
    this.save(name, { index: options.findIndex(([, each]) => each === value) });
  }

  setLabel(name, label) {
    this.models[name].set("description", label); // which Python need not know
  }

  begin(values) {
    this.begun = values; // until Python has set them
    this.propose(values);
  }

  save(name, values) {
    this.models[name].set(values);
    this.models[name].save_changes();
  }

  hear(name) {
    this.begun = {};
    clearTimeout(this.late);
    this.late = setTimeout(() => this.adapt(), PATIENCE);
    this.changed(name);
  }

  // ipywidgets moves a number typed beyond a slider's end to the end, without a word.
  typed(event) {
    const readout = event.target.closest?.(".widget-readout");
    if (!readout?.closest(".explorer")?.contains(this.view)) return;
    if ((event.key ?? "Enter") !== "Enter") return;
    const name = Object.keys(this.models).find((each) => readout.closest(`.${each}`));
    this.remarked(this.remark(name, readout.textContent));
  }

  end() {
    clearTimeout(this.late);
    for (const model of Object.values(this.models)) model.off(null, null, this);
    document.removeEventListener("keydown", this.typed, true);
    document.removeEventListener("focusout", this.typed, true);
    document.removeEventListener("pointerdown", this.forget, true);
  }
}

// Has sliders tell the kernel their values once the hand rests, and not at every step:
// JupyterLab shows each time that the kernel is busy, which takes a part of the frame. Other
// controls tell theirs at once, after what sliders have not yet told. A kernel says again what
// it was told; a busy one late, and must not take back what the hand has done since.
function saveAtRest(models, isSlider) {
  const waiting = new Map(); // by model, how it saves
  let rest;
  const saveAll = () => {
    const all = [...waiting.values()];
    waiting.clear();
    for (const save of all) save();
  };
  for (const [name, model] of Object.entries(models)) {
    if (Object.hasOwn(model, "save_changes")) continue; // another view of it has seen to it
    const save = model.save_changes.bind(model);
    model.save_changes = (callbacks) => {
      waiting.set(model, () => save(callbacks));
      clearTimeout(rest);
      if (isSlider(name)) rest = setTimeout(saveAll, HAND_RESTS);
      else saveAll();
    };
    const receive = model.set_state.bind(model);
    model.set_state = (state) => {
      const { value, ...others } = state;
      receive(waiting.has(model) ? others : state);
    };
  }
}

export function element(parent, tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}
