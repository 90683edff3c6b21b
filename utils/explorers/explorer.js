// An explorer in a page: controls, a picture drawn on a canvas, and a line of text below it.
// One description, made by Python (explorer.py), drives it with a kernel and without.
// explorer.py makes one script of these files.
import { Controls, element } from "./controls.js";
import { isCalm, useTheme, theme } from "./drawing.js";
import { addButtons, askedOf, idOf, setControls, setLinked } from "./link.js";
import { canvasView } from "./views/canvas.js";
import { insideView } from "./views/inside.js";
import { learningView } from "./views/learning.js";
import { observerView } from "./views/observer.js";
import { attentionView, noiseView } from "./views/one_digit.js";
import { pickView, predictionView } from "./views/prediction.js";
import { studyView } from "./views/study.js";

// A view is
//
//   layouts   [{ size: [width, height], panels: [[panel, [x, y, width, height], part]] }], the
//             widest first; a panel is a function (context, box, state) that draws a state;
//             with a `part`, the entries of state[part] replace those of the state
//   start     async (explorer) => look, once; `explorer` is the class below
//   look      (values of the controls by name) => the state that the panels draw; the line of
//             text shows its `words`, marked as a problem if it has a `problem`
//
// A new view needs an entry here, its file in SCRIPTS of explorer.py, and a function in Python
// that describes its controls and data.
const VIEWS = {
  noise: noiseView,
  attention: attentionView,
  study: studyView,
  observer: observerView,
  canvas: canvasView,
  inside: insideView,
  learning: learningView,
  prediction: predictionView,
  pick: pickView,
};

const SHRINK = 0.8; // the least that a layout is scaled down for want of width, before the next
const STAYS = 0.8; // of the window's height, the most that a picture takes that stays in view
const CALM = 500; // ms from picture to picture, where motion is to be reduced
const REST = 600; // ms without a change, after which a screen reader may read what is said

class Explorer {
  // `el`: where the picture goes. `description`: { view, controls, data }. `asked`: by a link.
  constructor(el, description, controls, asked) {
    Object.assign(this, { description, controls, asked, data: description.data });
    this.linked = {}; // what a view adds to links
    this.view = VIEWS[description.view];
    this.updates = 0;
    this.endings = [() => controls.end()];

    el.classList.add("explorer-view");
    this.beside = element(el, "div"); // for what a view wants beside its picture
    this.main = element(el, "div", "explorer-main");
    this.holder = element(this.main, "div", "explorer-image");
    this.canvas = element(this.holder, "canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "The picture is being made");
    this.status = element(this.main, "div", "explorer-status", "starting");
    this.status.setAttribute("role", "status");
    this.setLayout();
  }

  async start() {
    try {
      this.look = await this.view.start(this);
      if (this.asked) this.controls.remark = setLinked(this.linked, this.asked);
    } catch (error) {
      return this.fail(error);
    }
    this.controls.changed = () => this.request();
    this.update();

    // The width decides the layout. A canvas that was scrolled out of a notebook may come back
    // blank. The theme decides the colours; a new theme starts a transition (explorer.css).
    const resized = new ResizeObserver(() => {
      if (this.setLayout()) this.draw();
      const isLow = this.main.offsetHeight < STAYS * window.innerHeight;
      this.main.classList.toggle("explorer-stays", isLow);
      this.controls.setWidth();
    });
    const seen = new IntersectionObserver(() => this.draw());
    resized.observe(this.holder);
    seen.observe(this.canvas);
    for (const type of ["transitionend", "transitioncancel"]) {
      this.canvas.addEventListener(type, () => this.draw());
    }
    const ended = new AbortController();
    addEventListener("beforeprint", () => this.draw(true), ended);
    addEventListener("afterprint", () => this.draw(), ended);
    this.endings.push(() => resized.disconnect(), () => seen.disconnect(), () => ended.abort());
  }

  // Asks for a new picture. It is drawn as soon as the current code has run, so that a key press
  // does not wait for a frame; if this frame has its picture already, the next frame draws it.
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

  // Asks for the next of pictures that follow one another by themselves.
  requestNext() {
    clearTimeout(this.next);
    if (isCalm()) this.next = setTimeout(() => this.request(), CALM);
    else this.request();
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
    this.status.dataset.update = this.updates; // for tests, as the next
    this.status.dataset.ms = (performance.now() - start).toFixed(1);
    this.say(this.state.words);
  }

  draw(onPaper = false) {
    if (!this.state || !this.canvas.isConnected) return;
    const { color, backgroundColor } = getComputedStyle(this.canvas);
    const isDark = brightness(color) > brightness(backgroundColor);
    if (onPaper) useTheme("light", "#ffffff");
    else useTheme(isDark ? "dark" : "light", backgroundColor);
    this.paint(this.canvas.getContext("2d"));
  }

  paint(context) {
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, ...this.layout.size);
    for (const [panel, [x, y, width, height], part] of this.layout.panels) {
      const seen = part ? { ...this.state, ...this.state[part] } : this.state;
      panel(context, { x, y, width, height }, seen);
    }
  }

  say(words) {
    const parts = [words, this.controls.remark, this.data.note];
    this.status.textContent = parts.filter(Boolean).join(" · ");
  }

  // Shows an error until the next picture.
  fail(error) {
    this.status.classList.add("explorer-problem");
    this.say(error.message);
  }

  // Takes the widest layout that fits; returns whether the layout has changed.
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

  // The place of an event on the picture, in the layout's pixels.
  placeOf(event) {
    const frame = this.canvas.getBoundingClientRect();
    const pixel = this.layout.size[0] / frame.width;
    return [(event.clientX - frame.left) * pixel, (event.clientY - frame.top) * pixel];
  }

  end() {
    this.isAsked = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
    clearTimeout(this.next);
    for (const end of this.endings) end();
  }
}

// Keeps keys that are pressed in an explorer from JupyterLab, which would move to another cell
// with an arrow and make the cell a heading with a digit.
function keepKeys(root) {
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());
}

// Makes an element a region with a heading that is heard and not seen, one level below the
// heading before it. An anywidget's element is not in the page yet: its level is that below a
// section's.
function makeRegion(root, title) {
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", title);
  const isBefore = (each) => each.compareDocumentPosition(root) & Node.DOCUMENT_POSITION_FOLLOWING;
  const all = [...document.querySelectorAll("h1, h2, h3, h4, h5")];
  const last = all.reverse().find((each) => isBefore(each) && !each.closest(".explorer"));
  const level = root.isConnected ? 1 + Number(last?.tagName[1] ?? 0) : 3;
  element(root, `h${level}`, "explorer-heard", title);
}

const brightness = (colour) => {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return red + green + blue;
};

// Puts an explorer into `root`. `model` is that of the anywidget, if there is a kernel.
export function mount(root, description, model) {
  root.replaceChildren();
  keepKeys(root);
  makeRegion(root, description.data.title);
  const isPage = !model && !document.getElementById("jupyter-config-data"); // of JupyterLab
  const asked = isPage ? askedOf(root) : null;
  const inside = element(root, "div", "explorer-inside");
  const panel = element(inside, "div", "explorer-controls");
  const controls = new Controls(panel, description.columns, model);
  if (asked) setControls(controls, asked);
  const explorer = new Explorer(element(inside, "div"), description, controls, asked);
  explorer.id = idOf(root);
  addButtons(explorer, isPage);
  explorer.start();
  if (asked) root.scrollIntoView();
  const follow = () => askedOf(root) && (explorer.end(), mount(root, description));
  if (isPage) window.addEventListener("hashchange", follow); // a link within the page
  explorer.endings.push(() => window.removeEventListener("hashchange", follow));
  return explorer;
}

// Puts an explorer into the element of an anywidget.
export function render({ model, el }) {
  const root = element(el, "div", "explorer");
  root.dataset.name = model.get("description").name;
  const explorer = mount(root, model.get("description"), model);
  return () => explorer.end();
}
