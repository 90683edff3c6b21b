// The views of one digit: what noise does to it, what a network answers, where it attends.
//
// Data: `digits` and `networks` (unpacking.js), `wasm`, and for attention `parameters` of kinds,
// `gain_colours` and `control`, the name of the network that was trained without attention.
import { axes, inside, levelText, line, theme, write } from "../drawing.js";
import { answerPanel, gainWords, imagePanel, legendPanel, likeliest, mapPanel } from "../panels.js";
import { Play, scorePanel } from "../score.js";
import { NOISES, randomNumbers } from "../stimuli.js";
import { coloursOf, digitsOf, imageOf, makeNetworks } from "../unpacking.js";
import { makePad } from "./pad.js";

const BAR = 15; // grey levels in a bar of a histogram; black and white are middles of bars
const NAMES = ["with the map", "control network", "map taken away"]; // of the conditions
const PLAYED_STREAM = 8; // of random numbers
const EDGES = Array.from({ length: 53 }, (_, i) => -262.5 + BAR * i);

export const noiseView = {
  layouts: [
    {
      size: [860, 290],
      panels: [
        [imagePanel, [10, 36, 224, 224]],
        [histogramPanel, [310, 36, 230, 200]],
        [answerPanel, [610, 36, 240, 200]],
      ],
    },
    {
      size: [380, 384],
      panels: [
        [imagePanel, [8, 26, 160, 160]],
        [answerPanel, [224, 26, 148, 120]],
        [histogramPanel, [58, 224, 306, 120]],
      ],
    },
  ],

  async start({ data, controls }) {
    const digits = await digitsOf(data.digits);
    const [network] = Object.values(await makeNetworks(data, digits));
    const noisy = makeNoise(controls, digits);
    return (values) => {
      const seen = noisy(digitAt(digits, values.digit), values);
      network.look(seen.greys);
      const p = network.answerAtOnce();
      return {
        ...seen,
        histogram: histogramOf(seen.greys),
        edges: EDGES,
        question: "The answer",
        answers: [{ name: "", p }],
        words: `${seen.words}: the network answers ${likeliest(p)}`,
      };
    };
  },
};

export const attentionView = {
  layouts: [
    {
      size: [620, 710],
      panels: [
        [imagePanel, [10, 36, 224, 224]],
        [mapPanel, [260, 36, 224, 224]],
        [legendPanel, [498, 36, 14, 224]],
        [answerPanel, [54, 324, 546, 120]],
        [scorePanel, [54, 532, 310, 130]],
        [profilePanel, [424, 532, 176, 130]],
      ],
    },
    {
      size: [380, 384],
      panels: [
        [imagePanel, [8, 26, 160, 160]],
        [mapPanel, [212, 26, 160, 160]],
        [legendPanel, [8, 195, 364, 14]],
        [answerPanel, [54, 254, 160, 92]],
        [scorePanel, [238, 254, 122, 92]],
      ],
    },
  ],

  async start(explorer) {
    const { controls, data } = explorer;
    const digits = await digitsOf(data.digits);
    const networks = await makeNetworks(data, digits);
    const noisy = makeNoise(controls, digits);
    const colours = coloursOf(data.gain_colours);
    const map = controls.all.attention;

    const play = new Play(explorer);
    const pad = makePad(explorer.beside, digits, () => {
      play.left = 0;
      explorer.request();
    });
    explorer.linked.drawing = pad;
    const control = networks[data.control];

    // The gains of the map on the chosen network, and the probabilities of each condition: this
    // network with the map, the control network, and the weights of the first without a map.
    function lookAt(greys, values) {
      const network = networks[values.network];
      const { rows, cols } = network.look(greys);
      const without = network.answerAtOnce();
      const gains = network.attend(values.attention, settingsOf(values, data));
      const p = [network.answer(), without];
      if (network === control) return { gains, gainShape: [rows, cols], p };
      control.look(greys);
      p.splice(1, 0, control.answerAtOnce());
      return { gains, gainShape: [rows, cols], p };
    }

    let shown = controls.get("digit");
    let drawn = controls.get("fresh_draw");
    let condition, random, played;
    return (values) => {
      if (drawn !== (drawn = values.fresh_draw)) play.left = 0;
      if (shown !== (shown = values.digit)) {
        play.left = 0;
        pad.clear();
      }
      const names = values.network === data.control ? NAMES.slice(0, 2) : NAMES;
      const plays = play.follow(values, names);
      if (condition !== (condition = play.condition)) {
        [random, played] = [randomNumbers(0, PLAYED_STREAM), 0]; // the same for every condition
      }
      const drawing = { greys: pad.image(), label: null, subject: "your drawing" };
      const look = (digit, random) => {
        const seen = noisy(digit, values, random);
        return { ...seen, ...lookAt(seen.greys, values), ink: digit.greys };
      };
      const next = () => look(digitAt(digits, played++ % digits.labels.length), random);
      const own = drawing.greys ? drawing : digitAt(digits, shown);
      const { p, ...seen } = plays ? play.count(next) : look(own);
      if (plays) explorer.requestNext();
      return {
        ...seen,
        ...play.state(false),
        ...colours,
        question: "The answer",
        answers: names.map((name, n) => ({ name, p: p[n] })),
        words:
          `${seen.words}; ${mapWords(map, values)}: ` +
          names.map((name, n) => `${name} ${likeliest(p[n])}`).join(", ") +
          `. The ${gainWords(seen)}` +
          play.words(false) +
          verdict(play),
      };
    };
  },
};

// Says which of the first two conditions, the map and the control network, is ahead.
function verdict({ shown, score: [{ right: map }, { right: control }] }) {
  if (!shown) return "";
  if (map === control) return "; map and control are level";
  return map > control ? "; the map is ahead" : "; the control is ahead";
}

export function digitAt(digits, index) {
  const label = digits.labels[index];
  return { greys: imageOf(digits, index), label, subject: `digit ${index} (label ${label})` };
}

// Adds the noise that the controls choose. It is drawn anew for each press of the button, and
// is the same for every digit and level; with `random`, it is drawn from there.
export function makeNoise(controls, { rows, cols }) {
  const { by } = controls.all.noise_level;
  let [wanted, drawn] = ["", null];
  return ({ greys, label, subject }, values, random) => {
    const { noise: kind, noise_level: level, fresh_draw: draw } = values;
    if (wanted !== (wanted = `${kind} ${draw}`)) {
      drawn = NOISES[kind].draw(greys.length, randomNumbers(draw));
    }
    const fresh = random && NOISES[kind].draw(greys.length, random);
    const noisy = NOISES[kind].apply(greys, level, fresh ?? drawn);
    return {
      greys: noisy,
      image: Uint8ClampedArray.from(noisy), // as a screen shows it
      shape: [rows, cols],
      label,
      level,
      unit: by.noise[kind].unit,
      words: `${subject}, noise ${levelText(level)}`,
    };
  };
}

// How often each grey level occurs; what is beyond the bars is counted in the outermost.
function histogramOf(greys) {
  const [shares, last] = [new Float32Array(EDGES.length - 1), EDGES.length - 2];
  for (const grey of greys) {
    const bar = Math.floor((grey - EDGES[0]) / BAR);
    shares[Math.min(Math.max(bar, 0), last)] += 1 / greys.length;
  }
  return shares;
}

// The settings of the map that is chosen: a kind's own parameters, and those on sliders.
function settingsOf(values, { parameters }) {
  const kind = values.attention;
  const moved = {
    top_n: { n: values.n },
    normalised: { sigma: values.sigma },
  };
  return { strength: values.strength, ...parameters[kind], ...moved[kind] };
}

function mapWords({ options }, values) {
  const kind = values.attention;
  const [label] = options.find(([, each]) => each === kind);
  let words = label;
  if (kind === "top_n") words += ` (N = ${values.n})`;
  if (kind === "normalised") words += ` (sigma ${values.sigma.toFixed(2)})`;
  if (kind === "as_coded") return words;
  return `${words}, strength ${values.strength.toFixed(2)}`;
}

function histogramPanel(c, box, { histogram, edges }) {
  const { x, y } = axes(c, box, {
    title: "How often each grey level occurs",
    xlim: [edges[0], edges.at(-1)],
    ylim: [-4, 0],
    xticks: [[-255, "−255"], [0, "0"], [255, "255"], [510, "510"]],
    yticks: [-4, -3, -2, -1, 0].map((decade) => [decade, `${10 ** decade}`]),
    xlabel: "grey level (0: paper, 255: ink)",
    ylabel: "share of pixels",
  });
  c.fillStyle = theme.grid;
  c.globalAlpha = 0.5;
  c.fillRect(x(edges[0]), box.y, x(0) - x(edges[0]), box.height);
  c.fillRect(x(255), box.y, x(edges.at(-1)) - x(255), box.height);
  c.globalAlpha = 1;
  write(c, "as paper", x(-129), box.y + 14, { size: 11, align: "center", colour: theme.faint });
  write(c, "as ink", x(387), box.y + 14, { size: 11, align: "center", colour: theme.faint });
  c.fillStyle = theme.series[0];
  histogram.forEach((share, i) => {
    if (share <= 0) return;
    const top = y(Math.max(Math.log10(share), -4));
    c.fillRect(x(edges[i]) + 0.5, top, x(edges[i + 1]) - x(edges[i]) - 1, y(-4) - top);
  });
}

function profilePanel(c, box, { gains, gainMaximum }) {
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
  line(c, [[x(0), y(1)], [x(sorted.length), y(1)]], theme.series[1], 1.5, [5, 3]);
  const steps = [...sorted].flatMap((gain, i) => [[x(i), y(gain)], [x(i + 1), y(gain)]]);
  inside(c, box, () => line(c, steps, theme.series[0], 2));
  const range = `${sorted.at(-1).toFixed(2)} to ${sorted[0].toFixed(2)}`;
  write(c, range, box.x + box.width, box.y - 12, { align: "right" });
}
