// The controls of an explorer: native inputs, the same wherever the page is. Where a kernel
// runs, Python shares their values through an anywidget's model, which has a trait for each.
//
// A control is { name, css, kind, label, value, ... }:
//
//   kind   "slider" (min, max, step, decimals), "select" (options: [label, value] each),
//          "button" (value: how often it was pressed), or "kept" (not shown: a list that a
//          view fills and Python reads)
//   by     { other: { value: { label, max, step, decimals } } }: the range follows a select,
//          and the slider keeps its share of the range
//   only   { other: [values] }: enabled only while a select has one of these values
//   rare   true: below the others, and behind "More" on a narrow page
//
// `name` is the trait's; `css` is the class of the element that holds the input.

// Rows and columns by which a key moves what has the focus.
export const ARROWS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

const HAND_RESTS = 250; // ms without a step, after which Python hears of a slider

const numberOf = (text) => (text.trim() === "" ? NaN : Number(text.replaceAll(",", "")));

// The nearest value that a slider can have.
export function stepped({ min, max, step, decimals }, value) {
  const nearest = min + step * Math.round((value - min) / step);
  return Number(Math.min(Math.max(nearest, min), max).toFixed(decimals));
}

export class Controls {
  // `columns`: lists of controls, each shown as a group in `parent`; `model` may be missing.
  constructor(parent, columns, model) {
    this.all = {};
    this.model = model;
    this.unsaid = new Set(); // controls that the hand has moved and Python has not heard of
    this.remark = ""; // on a number that was typed and cannot be had as it is
    this.changed = () => {}; // called when a value or the remark has changed
    this.hearing = new Map();
    this.more = document.createElement("details");
    element(this.more, "summary", "", "More");
    for (const column of columns) {
      const group = element(parent, "div", "explorer-group");
      for (const each of column) this.add(each.rare ? this.more : group, { ...each });
    }
    if (this.more.children.length > 1) parent.lastChild.append(this.more);
    for (const control of Object.values(this.all)) this.show(control);
    if (!model) return;
    for (const name of Object.keys(this.all)) {
      this.hearing.set(`change:${name}`, () => this.hear(name));
    }
    for (const [event, hear] of this.hearing) model.on(event, hear);
  }

  get(name) {
    return this.all[name].value;
  }

  values() {
    return Object.fromEntries(Object.values(this.all).map(({ name, value }) => [name, value]));
  }

  // Moves a control as a hand does, and lets Python know.
  set(name, value) {
    this.tell(this.put(name, value));
    this.changed();
  }

  // The words on a button, which Python does not need to know.
  setLabel(name, label) {
    const { input } = this.all[name];
    if (input.textContent !== label) input.textContent = label;
  }

  // On a wide page, where the style hides the word "More", all controls are shown.
  setWidth() {
    const isWide = getComputedStyle(this.more.firstChild).display === "none";
    if (this.isWide !== (this.isWide = isWide)) this.more.open = isWide;
  }

  end() {
    if (this.unsaid.size) this.save();
    for (const [event, hear] of this.hearing) this.model.off(event, hear);
  }

  // --- Values -------------------------------------------------------------------------

  // Gives a control a value; returns the names of all controls whose values have changed.
  put(name, value) {
    this.remark = "";
    this.all[name].value = value;
    const moved = [name];
    for (const control of Object.values(this.all)) {
      if (control.by?.[name]) {
        const share = control.value / control.max;
        Object.assign(control, control.by[name][value]);
        control.value = stepped(control, share * control.max);
        moved.push(control.name);
      }
      if (control.only?.[name] || moved.includes(control.name)) this.show(control);
    }
    return moved;
  }

  // Other views of the same model hear of a value at once. Python hears of a slider when the
  // hand rests, since JupyterLab shows each time that the kernel is busy, which takes a part
  // of the frame; of other controls it hears at once.
  tell(names) {
    if (!this.model) return;
    for (const name of names) {
      this.unsaid.add(name);
      this.model.set(name, this.get(name));
    }
    clearTimeout(this.resting);
    if (this.all[names[0]].kind !== "slider") this.save();
    else this.resting = setTimeout(() => this.save(), HAND_RESTS);
  }

  save() {
    clearTimeout(this.resting);
    for (const name of this.unsaid) this.model.set(name, this.get(name));
    this.unsaid.clear();
    this.model.save_changes();
  }

  // A busy kernel repeats late what it was told: that must not undo what a hand did since.
  hear(name) {
    const value = this.model.get(name);
    if (this.unsaid.has(name) || value === this.get(name)) return;
    this.put(name, value);
    this.changed();
  }

  // --- Elements -----------------------------------------------------------------------

  add(parent, control) {
    const { name, css, kind, label } = control;
    this.all[name] = control;
    if (this.model) control.value = this.model.get(name);
    for (const [other, spans] of Object.entries(control.by ?? {})) {
      Object.assign(control, spans[this.get(other)]);
    }
    if (kind === "kept") return;
    control.row = element(parent, "div", `explorer-control ${css}`);
    if (kind === "button") {
      control.input = element(control.row, "button", "", label);
      control.input.type = "button";
      control.input.addEventListener("click", () => this.set(name, control.value + 1));
      return;
    }
    control.words = element(control.row, "label");
    const input = element(control.row, kind === "select" ? "select" : "input");
    control.input = input;
    input.id = control.words.htmlFor = `${css}-${Math.random().toString(36).slice(2)}`;
    if (kind === "select") {
      const { options } = control;
      for (const [text, value] of options) element(input, "option", "", text).value = value;
      input.addEventListener("input", () => this.set(name, options[input.selectedIndex][1]));
    } else {
      input.type = "range";
      input.addEventListener("input", () => this.set(name, Number(input.value)));
      // A swipe that begins here scrolls the page. What it has moved until then is undone.
      let before;
      input.addEventListener("pointerdown", () => (before = control.value));
      input.addEventListener("pointercancel", () => this.set(name, before));
      control.number = element(control.row, "input", "explorer-number");
      control.number.inputMode = "decimal";
      control.number.addEventListener("change", () => this.type(control));
    }
  }

  // Shows a control's label, range and value, and whether it has an effect.
  show({ kind, row, words, label, input, number, value, ...rest }) {
    if (!words) return;
    if (words.textContent !== label) {
      words.textContent = label;
      if (number) number.ariaLabel = `${label}, as a number`;
    }
    if (number) {
      Object.assign(input, { min: rest.min, max: rest.max, step: rest.step });
      input.value = value;
      number.value = value.toFixed(rest.decimals);
    } else {
      input.selectedIndex = rest.options.findIndex(([, each]) => each === value);
    }
    const rules = Object.entries(rest.only ?? {});
    input.disabled = !rules.every(([other, values]) => values.includes(this.get(other)));
    if (number) number.disabled = input.disabled;
    row.classList.toggle("explorer-off", input.disabled);
  }

  // Takes a number that was typed, or says why it cannot be had.
  type(control) {
    const [text, { name, min, max }] = [control.number.value, control];
    const typed = numberOf(text);
    const value = Number.isNaN(typed) ? control.value : stepped(control, typed);
    if (value !== control.value) this.set(name, value);
    this.show(control);
    this.remark = "";
    if (Number.isNaN(typed)) this.remark = `"${text}" is not a number: nothing has changed`;
    else if (typed < min || typed > max) {
      this.remark = `${text} is not from ${min} to ${max}: the nearest is shown`;
    }
    this.changed();
  }
}

export function element(parent, tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}
