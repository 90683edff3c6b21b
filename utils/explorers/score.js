// "Play 100" and its running score: a hundred images for each press of the button, one in each
// frame, and how many of them each condition of a comparison names. Where motion is to be
// reduced, one image in ten is seen.
import { NARROW, SHARES, axes, isCalm, percent, theme, write } from "./drawing.js";
import { argmax } from "./network.js";

const PLAYED = 100; // images for each press of the button
const CALM_IMAGES = 10; // for each picture, where motion is to be reduced

export class Play {
  // `controls`: the explorer's, of which one is the button `play_100`. A link has the presses
  // that made the score; the page that it opens plays the same images.
  constructor({ controls, linked }) {
    this.left = this.shown = 0; // images that are still to be played, and that were
    this.pressed = controls.get("play_100");
    linked.play_100 = {
      get: () => (this.shown ? `${Math.min(Math.ceil(this.shown / PLAYED), 99)}` : ""),
      set: (text) => /^[1-9]\d?$/.test(text) && controls.put("play_100", this.pressed + Number(text)),
    };
  }

  // Follows the controls. A new score begins when `names` or a control have changed, except for
  // those of the reader's own image. Returns whether an image is to be played now.
  follow({ play_100, digit, fresh_draw, ...values }, names) {
    const condition = JSON.stringify([names, values]);
    if (this.condition !== condition) {
      Object.assign(this, { condition, left: 0, shown: 0 });
      this.score = names.map((name) => ({ name, right: 0, intruded: 0 }));
    }
    this.left += PLAYED * (play_100 - this.pressed);
    this.pressed = play_100;
    return this.left > 0;
  }

  // Counts the answers to the images of one picture, and returns the last of them. `look`
  // gives an image's { p, label, second, ... }: ten probabilities of each condition, and the
  // label of a second digit, or null.
  count(look) {
    let seen;
    const images = Math.min(this.left, isCalm() ? CALM_IMAGES : 1);
    for (let i = 0; i < images; i++) this.add((seen = look()));
    return seen;
  }

  add({ p, label, second }) {
    this.left -= 1;
    this.shown += 1;
    p.forEach((each, n) => {
      const answer = argmax(each);
      if (answer === label) this.score[n].right += 1;
      if (answer === second) this.score[n].intruded += 1;
    });
  }

  // What the panel draws. `pair`: whether there is a second digit.
  state(pair) {
    const { shown, score } = this;
    return { shown, score, pair, invitation: `press Play ${PLAYED}` };
  }

  words(pair) {
    if (!this.shown) return "";
    const rights = this.score.map(
      ({ name, right, intruded }) =>
        `${name} ${right}` + (pair ? ` (the other digit ${intruded})` : ""),
    );
    return `. Score, right of ${this.shown}: ${rights.join(", ")}`;
  }
}

// Of `shown` images, the right answers in each condition and, where there was a second digit
// (`pair`), the images in which it was named: `score` is [{ name, right, intruded }]. The names
// are the legend of the answers, too.
export function scorePanel(c, box, { score, shown, pair, invitation }) {
  const isNarrow = box.width < NARROW;
  const shares = isNarrow ? [0, 0.5, 1] : SHARES;
  const { x } = axes(c, box, {
    title: isNarrow && shown ? `Right of ${shown}` : isNarrow ? "" : "Right so far",
    xlim: [0, 1],
    ylim: [0, 1],
    xticks: shares.map((share) => [share, percent(share)]),
    yticks: [],
    xlabel: "share of images",
    ylabel: "",
  });
  const row = box.height / score.length;
  score.forEach(({ name, right, intruded }, s) => {
    const top = box.y + row * s + 0.25 * row;
    const [end, last] = [right, right + intruded].map((n) => x(shown ? n / shown : 0));
    let words = name;
    if (shown) words += isNarrow ? `: ${right}` : `: ${right} of ${shown}`;
    if (shown && pair) words += isNarrow ? `, other: ${intruded}` : `, the other digit: ${intruded}`;
    write(c, words, x(0) + 17, top, { room: box.width - 17 });
    c.fillStyle = theme.series[s];
    c.fillRect(x(0) + 1, top - 10, 11, 11);
    c.fillRect(x(0), top + 6, end - x(0), 0.5 * row);
    c.globalAlpha = 0.35;
    c.fillRect(end, top + 6, last - end, 0.5 * row);
    c.globalAlpha = 1;
  });
  if (!shown) write(c, invitation, x(1), box.y - 12, { align: "right", colour: theme.faint });
}
