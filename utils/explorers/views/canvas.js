// The view of a display: a digit that the reader moves about on a canvas, in noise and among
// others, and the answers of two networks, one trained without attention and one with.
//
// Data: `digits` (unpacking.js), `canvas` [rows, cols], `fragment` (the side of one, pixels),
// `networks` { attended, control }, `attention` (a kind, which a cue multiplies)
// and its `settings`, `cue_sd` (pixels), `gain_colours`, `wasm`.
import { ARROWS, element } from "../controls.js";
import { layOver, write } from "../drawing.js";
import {
  answerPanel,
  cuePanel,
  gainWords,
  imagePanel,
  legendPanel,
  likeliest,
  mapPanel,
} from "../panels.js";
import { Play, scorePanel } from "../score.js";
import {
  drawNoise,
  drawPlace,
  layPart,
  randomNumbers,
  showDigit,
  withNoise,
} from "../stimuli.js";
import { coloursOf, digitsOf, makeNetworks } from "../unpacking.js";

const DISPLAY_STREAMS = { own: 12, played: 7 }; // of random numbers

export const canvasView = {
  layouts: [
    {
      size: [860, 500],
      panels: [
        [imagePanel, [10, 36, 224, 224]],
        [cuePanel, [10, 36, 224, 224]],
        [handlePanel, [10, 36, 224, 224]],
        [mapPanel, [260, 36, 224, 224], "attended"],
        [cuePanel, [260, 36, 224, 224]],
        [mapPanel, [510, 36, 224, 224], "control"],
        [legendPanel, [748, 36, 14, 224]],
        [answerPanel, [54, 320, 430, 130]],
        [scorePanel, [520, 320, 310, 130]],
      ],
    },
    {
      size: [380, 384],
      panels: [
        [imagePanel, [8, 26, 160, 160]],
        [cuePanel, [8, 26, 160, 160]],
        [handlePanel, [8, 26, 160, 160]],
        [mapPanel, [212, 26, 160, 160], "attended"],
        [cuePanel, [212, 26, 160, 160]],
        [legendPanel, [8, 212, 364, 14]],
        [answerPanel, [54, 272, 160, 74]],
        [scorePanel, [238, 272, 122, 74]],
      ],
    },
  ],

  async start(explorer) {
    const { controls, data } = explorer;
    const { attention, canvas, settings } = data;
    const digits = await digitsOf(data.digits);
    const [rows, cols] = canvas;
    const { attended, control } = await makeNetworks(data, { rows, cols });
    const most = controls.all.fragments.max;
    const colours = coloursOf(data.gain_colours);

    // Draws all random parts of a display, in every condition, so that two conditions differ
    // only in the parts that they show.
    function drawDisplay(random) {
      const any = () => Math.floor(random() * digits.labels.length);
      const side = data.fragment;
      const fragment = { rows: side, cols: side };
      return {
        index: any(),
        place: drawPlace(digits, canvas, random),
        second: [any(), [0, 0, digits.rows, digits.cols], drawPlace(digits, canvas, random)],
        fragments: Array.from({ length: most }, () => {
          const cut = drawPlace(fragment, [digits.rows, digits.cols], random);
          return [any(), [...cut, side, side], drawPlace(fragment, canvas, random)];
        }),
        noise: drawNoise(rows * cols, random),
      };
    }

    // The index of the second digit: the one that was drawn, or the next of another class.
    function secondOf({ index, second: [drawn] }) {
      const isOther = (label) => label !== digits.labels[index];
      const next = digits.labels.findIndex((label, i) => i >= drawn && isOther(label));
      return next >= 0 ? next : Math.max(digits.labels.findIndex(isOther), 0);
    }

    // Grey levels of a display in the condition that the controls choose.
    function greysOf({ index, place, second, fragments, noise }, values, other) {
      const image = showDigit(digits, index, canvas, null, place);
      if (values.second_digit) {
        layPart(image, canvas, digits, other, ...second.slice(1));
      }
      for (const each of fragments.slice(0, values.fragments)) {
        layPart(image, canvas, digits, ...each);
      }
      return withNoise(image, values.noise_level, noise);
    }

    // The gains of attention, and both networks' probabilities.
    function lookAt(greys, cue) {
      const seen = attended.look(greys);
      let gains = attended.attend(attention, settings);
      if (cue) {
        const marked = cueMap(seen, cue, data.cue_sd);
        gains = attended.attend("given", { map: gains.map((gain, i) => gain * marked[i]) });
      }
      const p = attended.answer();
      control.look(greys);
      return { gains, gainShape: [seen.rows, seen.cols], p: [p, control.answerAtOnce()] };
    }

    function show(display, values) {
      const other = secondOf(display);
      const greys = greysOf(display, values, other);
      const places = { digit: display.place, other: display.second[2] };
      const marked = places[values.cue];
      const cue = marked ? [...marked, digits.rows, digits.cols] : null;
      const [label, named] = [display.index, other].map((index) => digits.labels[index]);
      const second = values.second_digit ? named : null;
      const ink = showDigit(digits, display.index, canvas, null, display.place);
      return { ...lookAt(greys, cue), display, greys, ink, label, second, cue };
    }

    const freshDisplay = (draw) => drawDisplay(randomNumbers(draw, DISPLAY_STREAMS.own));
    let drawn = controls.get("fresh_draw");
    let own = freshDisplay(drawn);

    const play = new Play(explorer);
    let condition, random;
    const names = ["attended", "control"].map((name) => data.networks[name].label);
    const handle = makeHandle(explorer.holder, canvas, digits, () => own.place, (place) => {
      [own.place, play.left] = [place, 0];
      explorer.request();
    });
    const textOf = ({ place }) => place.join("_");
    explorer.linked.place = {
      get: () => (textOf(own) === textOf(freshDisplay(drawn)) ? "" : textOf(own)),
      set(text) {
        const [row, col] = text.split("_").map(Number);
        const isPlace = row <= rows - digits.rows && col <= cols - digits.cols;
        return /^\d+_\d+$/.test(text) && isPlace && (own.place = [row, col]);
      },
    };

    return (values) => {
      const pair = values.second_digit;
      if (drawn !== (drawn = values.fresh_draw)) [own, play.left] = [freshDisplay(drawn), 0];
      if (own.index !== (own.index = values.digit)) play.left = 0;
      const plays = play.follow(values, names);
      if (condition !== (condition = play.condition)) {
        random = randomNumbers(0, DISPLAY_STREAMS.played); // the same for every condition
      }
      const next = () => show(drawDisplay(random), values);
      const { display, label, second, ...seen } = plays ? play.count(next) : show(own, values);
      if (plays) explorer.requestNext();
      return {
        ...seen,
        ...play.state(pair),
        ...colours,
        handle,
        label,
        image: Uint8ClampedArray.from(seen.greys), // as a screen shows it
        shape: canvas,
        level: values.noise_level,
        unit: "SD in grey levels",
        question: "The answer",
        answers: names.map((name, n) => ({ name, p: seen.p[n] })),
        attended: { name: `${names[0]}: gain`, series: 0 },
        control: { name: `${names[1]}: gain 1`, series: 1, gains: seen.gains.map(() => 1) },
        words:
          wordsOfDisplay({ ...display, label, second }, seen.p, values, names) +
          `. The ${gainWords({ ...seen, shape: canvas })}` +
          play.words(pair),
      };
    };
  },
};

// A Gaussian around the middle of the marked digit, as in `cue_maps` of utils/displays.py. Place
// o of a map lies over pixel 2 o - 1.
function cueMap({ rows, cols }, [top, left, height, width], sd) {
  const along = (count, middle) =>
    Array.from({ length: count }, (_, o) => Math.exp(-((2 * o - 1 - middle) ** 2) / (2 * sd * sd)));
  const across = along(cols, left + (width - 1) / 2);
  return along(rows, top + (height - 1) / 2).flatMap((down) => across.map((each) => down * each));
}

// An element over the display, by which a mouse, a pen, a finger or the arrow keys move the
// digit. A press beside the digit moves it there, but a swipe from there scrolls the page.
function makeHandle(parent, canvas, digits, placeNow, move) {
  const handle = element(parent, "div", "explorer-handle");
  handle.tabIndex = 0;
  handle.setAttribute("role", "application");
  handle.setAttribute("aria-label", "The display. Arrow keys move the digit.");
  const size = [digits.rows, digits.cols];
  const moveTo = (place) => {
    const inside = (at, axis) => Math.min(Math.max(Math.round(at), 0), canvas[axis] - size[axis]);
    move(place.map(inside));
  };
  const pixelOf = ({ clientX, clientY }) => {
    const { left, top, width, height } = handle.getBoundingClientRect();
    return [((clientY - top) / height) * canvas[0], ((clientX - left) / width) * canvas[1]];
  };
  const gripOf = (event) => pixelOf(event).map((at, axis) => at - placeNow()[axis]);
  const isHeld = (event) => gripOf(event).every((at, axis) => at >= 0 && at < size[axis]);
  const follow = (event) => moveTo(pixelOf(event).map((at, axis) => at - grip[axis]));
  const middle = size.map((length) => length / 2);
  let grip = null; // where in the digit it is held
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    grip = isHeld(event) ? gripOf(event) : event.pointerType === "touch" ? null : middle;
    if (grip) follow(event);
  });
  handle.addEventListener("pointermove", (event) => {
    if (event.buttons && grip) follow(event);
  });
  handle.addEventListener("touchstart", (event) => {
    if (isHeld(event.touches[0])) event.preventDefault(); // else the page would scroll
  });
  handle.addEventListener("click", (event) => {
    if (grip) return; // it is there already
    grip = middle;
    follow(event);
  });
  handle.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    moveTo(placeNow().map((at, axis) => at + step[axis]));
  });
  return handle;
}

function wordsOfDisplay({ index, label, place, second }, p, values, names) {
  const fragments = values.fragments;
  const parts = [
    `digit ${index} (label ${label}) at row ${place[0]}, column ${place[1]}`,
    second !== null && `a second digit (${second})`,
    fragments && `${fragments} fragment${fragments > 1 ? "s" : ""}`,
    { digit: "a cue at the digit", other: "a cue at the other place" }[values.cue],
    `noise ${values.noise_level.toFixed(0)}`,
  ];
  const answers = names.map((name, n) => `${name} ${likeliest(p[n])}`);
  return `${parts.filter(Boolean).join(", ")}: ${answers.join(", ")}`;
}

// Puts the handle over the display, and writes below how to use it.
function handlePanel(c, box, { handle }) {
  layOver(handle, c, box);
  const words = "Drag the digit, or use the arrow keys";
  write(c, words, box.x, box.y + box.height + 17, { size: 11, room: box.width });
}
