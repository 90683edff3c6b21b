// An explorer in a page: controls, a picture drawn on a canvas, and a line that says what is
// seen. One description, made by Python (explorer.py), drives it with a kernel and without.
//
// scripts.py makes one script of these files.
import { NativeControls, WidgetControls, element } from "./controls.js";
import { drawPanels, useTheme } from "./panels.js";
import { attentionView, noiseView } from "./digits.js";
import { learningView } from "./learning.js";
import { observerView } from "./observer.js";
import { displayView } from "./display.js";
import { studyView } from "./study.js";

// A view is
//
//   layouts   [{ size: [width, height], panels }], the widest first: see drawPanels
//   start     async (explorer) => look, once; `explorer` is the class below
//   look      (values of the controls) => the state that the panels draw; its `words` are said,
//             as a problem if it has a `problem`
//
// Adding one is an entry here, its file in SCRIPT of explorer.py, and a function in Python
// that describes its controls and data.
const VIEWS = {
  noise: noiseView,
  attention: attentionView,
  study: studyView,
  observer: observerView,
  display: displayView,
  learning: learningView,
};

const SHRINK = 0.8; // the least that a layout is scaled down for want of width, before the next
const REST = 600; // ms without a change, after which a screen reader may read what is said

class Explorer {
  // `el`: where the picture goes. `description`: { view, controls, data }.
  constructor(el, description, controls) {
    Object.assign(this, { description, controls, data: description.data });
    this.view = VIEWS[description.view];
    this.updates = 0;
    this.remark = "";
    this.endings = [() => controls.end()];

    el.classList.add("explorer-view");
    this.beside = element(el, "div"); // for what a view wants beside its picture
    const main = element(el, "div", "explorer-main");
    this.holder = element(main, "div", "explorer-image");
    this.canvas = element(this.holder, "canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "The picture is being made");
    this.status = element(main, "div", "explorer-status", "starting");
    this.status.setAttribute("role", "status");
    this.setLayout();
  }

  async start() {
    try {
      this.look = await this.view.start(this);
    } catch (error) {
      return this.fail(error);
    }
    this.controls.listen(
      () => this.request(),
      (remark) => {
        if (remark !== this.remark) this.request();
        this.remark = remark;
      },
    );
    this.update();

    // The width decides the layout. A canvas that was scrolled out of a notebook may come back
    // blank. Its colours are the theme's: their change is a transition (explorer.css).
    const resized = new ResizeObserver(() => this.setLayout() && this.draw());
    const seen = new IntersectionObserver(() => this.draw());
    resized.observe(this.holder);
    seen.observe(this.canvas);
    for (const type of ["transitionend", "transitioncancel"]) {
      this.canvas.addEventListener(type, () => this.draw());
    }
    this.endings.push(() => resized.disconnect(), () => seen.disconnect());
  }

  // Asks for a new picture: of this frame, once what asks has been done, or of the next frame
  // if this one has its picture. To wait for the frame would cost a key press that wait.
  request() {
    this.isAsked = true;
    this.status.ariaBusy = "true";
    clearTimeout(this.resting);
    this.resting = setTimeout(() => (this.status.ariaBusy = "false"), REST);
    if (this.frame) return;
    queueMicrotask(() => this.isAsked && this.update());
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.isAsked) this.request();
    });
  }

  update() {
    this.isAsked = false;
    const start = performance.now();
    try {
      this.state = this.look(this.controls.values());
      this.draw();
    } catch (error) {
      return this.fail(error);
    }
    this.updates += 1;
    this.canvas.setAttribute("aria-label", this.state.words);
    this.status.classList.toggle("explorer-problem", Boolean(this.state.problem));
    this.say(this.state.words, performance.now() - start);
  }

  draw() {
    if (!this.state || !this.canvas.isConnected) return;
    const { color, backgroundColor } = getComputedStyle(this.canvas);
    useTheme(brightness(color) > brightness(backgroundColor) ? "dark" : "light", backgroundColor);
    drawPanels(this.canvas.getContext("2d"), this.layout, this.state);
  }

  say(words, milliseconds) {
    const { data, remark, updates } = this;
    const parts = [`update ${updates}`, `${milliseconds.toFixed(1)} ms`, words, remark, data.note];
    this.status.textContent = parts.filter(Boolean).join(" · ");
  }

  // Says what went wrong, until the next picture.
  fail(error) {
    this.status.classList.add("explorer-problem");
    this.say(error.message, 0);
  }

  // Takes the widest layout that fits; returns whether it is another one.
  setLayout() {
    const { layouts } = this.view;
    const room = this.holder.clientWidth || Infinity;
    const layout = layouts.find(({ size }) => SHRINK * size[0] <= room) ?? layouts.at(-1);
    if (layout === this.layout) return false;
    this.layout = layout;
    const [width, height] = layout.size;
    const dots = Math.max(1, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(height * dots);
    this.canvas.style.maxWidth = `${width}px`;
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    this.canvas.getContext("2d").scale(dots, dots);
    return true;
  }

  // Where an event is on the picture, in the layout's pixels.
  placeOf(event) {
    const frame = this.canvas.getBoundingClientRect();
    const pixel = this.layout.size[0] / frame.width;
    return [(event.clientX - frame.left) * pixel, (event.clientY - frame.top) * pixel];
  }

  end() {
    this.isAsked = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
    for (const end of this.endings) end();
  }
}

// The keys of an explorer are its own: JupyterLab would take arrows to move among cells, and
// digits to make headings of them.
function keepKeys(root) {
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());
}

const brightness = (colour) => {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return red + green + blue;
};

// Puts an explorer with native controls into `root`.
export function mount(root, description) {
  root.replaceChildren();
  keepKeys(root);
  const inside = element(root, "div", "explorer-inside");
  const panel = element(inside, "div", "explorer-controls");
  const controls = new NativeControls(panel, description.controls, description.groups);
  return new Explorer(element(inside, "div"), description, controls).start();
}

// Puts the view of an explorer into the element of an anywidget, beside ipywidgets.
export async function render({ model, el }) {
  keepKeys(el);
  const models = {};
  for (const [name, id] of Object.entries(model.get("controls"))) {
    models[name] = await model.widget_manager.get_model(id.replace("IPY_MODEL_", ""));
  }
  const description = model.get("description");
  const begin = (values) => {
    model.set("begun", values);
    model.save_changes();
  };
  const controls = new WidgetControls(models, description.controls, el, begin);
  const explorer = new Explorer(el, description, controls);
  explorer.start();
  return () => explorer.end();
}
