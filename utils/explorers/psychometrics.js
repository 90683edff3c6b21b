// Accuracy as a function of the noise level: a psychometric function, fitted to the answers
// of an observer who chooses among ten digits. Noise levels are above 0, in any unit; their
// ratios are in decibels, 6 dB twice the noise.
//
// The function is a cumulative Gaussian that falls over the logarithm of the noise level,
//
//   p = guess + (1 - guess - lapse) Phi((dB(threshold) - dB(level)) / spread)
//
// (Wichmann and Hill 2001a, equation 1, turned round). The threshold is the level at which p
// is midway between 1 - lapse, its value without noise, and guess.

export const GUESS = 0.1; // accuracy in noise without end
const SPREADS = [0.1, 60]; // dB: as good as a step, as good as flat
const FIT_REACH = 20; // dB: how far outside the tested levels a fit may look
const COARSE = { middles: 50, spreads: [2, 4, 8, 16].map(Math.log) }; // where a search begins
const FIRST_STEPS = [1, 0.3, 0.05]; // of the finer grids: dB, log dB, share;
const REFINEMENTS = 12; // how often these are halved
const PROBABLE = 1e-9; // of an answer, at least
const FALL = -2 * Math.log(0.01); // of deviance, if accuracy falls at all: chi-square, 2 df
const LIKELY = 3.841; // of deviance, within a 95% interval: chi-square, 1 df
const HALVINGS = 8; // of the way to an end of an interval

const decibels = (ratio) => 20 * Math.log10(ratio);
const levelOf = (decibel) => 10 ** (decibel / 20);
const clip = (value, [low, high]) => Math.min(Math.max(value, low), high);

// The expected accuracy of { threshold, spread, lapse } at a level.
export function expectedAccuracy({ threshold, spread, lapse }, level) {
  return accuracyAt([decibels(threshold), Math.log(spread), lapse], decibels(level));
}

// The level at which a curve, [[level, accuracy], ...], has an accuracy: linear over the logarithm
// of the level. NaN outside the curve's range.
export function levelAt(curve, accuracy) {
  const i = curve.findLastIndex(([, p]) => p >= accuracy);
  const [[level, p], [next, q]] = [curve[i] ?? [], curve[i + 1] ?? []];
  return level * (next / level) ** ((p - accuracy) / (p - q));
}

// The function that makes `counts`, [{ level, right, trials }], most likely, and the 95%
// interval of its threshold, within the levels. Null if accuracy does not fall through a
// threshold within them (always right, always at chance), or with fewer than four levels.
export function fitPsychometric(counts) {
  const tested = counts.filter(({ trials }) => trials > 0);
  if (new Set(tested.map(({ level }) => level)).size < 4) return null;
  const rows = tested.map((each) => ({ ...each, dB: decibels(each.level) }));
  const all = rows.map(({ dB }) => dB);
  const ends = [Math.min(...all), Math.max(...all)];
  const limits = [
    [ends[0] - FIT_REACH, ends[1] + FIT_REACH],
    SPREADS.map(Math.log),
    [0, 1 - GUESS],
  ];
  const best = mostLikely(rows, limits, coarseFit(rows, ends));
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  const share = sum("right") / sum("trials");
  const falls = devianceOf(rows, () => share) - best.deviance > FALL;
  const [middle, spread, lapse] = best.found;
  if (!falls || middle < ends[0] || middle > ends[1]) return null;
  const [low, high] = ends.map((end) => levelOf(likelyEnd(rows, limits, best, end)));
  return { threshold: levelOf(middle), spread: Math.exp(spread), lapse, low, high };
}

// ---- parameters are threshold (dB), logarithm of the spread, and lapse

// The integral of the normal density up to x: 1/2 + density(x) (x + x^3 / 3 + x^5 / (3 5) + ...)
// (Marsaglia 2004).
function normalIntegral(x) {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let [sum, term] = [0, x];
  for (let i = 3; sum + term !== sum; i += 2) {
    sum += term;
    term *= (x * x) / i;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

function accuracyAt([middle, logSpread, lapse], dB) {
  return GUESS + (1 - GUESS - lapse) * normalIntegral((middle - dB) / Math.exp(logSpread));
}

// Twice the logarithm of the ratio of two likelihoods: of the observed shares, and of a model.
function devianceOf(rows, expected) {
  const term = (share, p) => (share ? share * Math.log(share / p) : 0);
  return rows.reduce((sum, row) => {
    const [share, p] = [row.right / row.trials, clip(expected(row), [PROBABLE, 1 - PROBABLE])];
    return sum + 2 * row.trials * (term(share, p) + term(1 - share, 1 - p));
  }, 0);
}

const misfit = (rows, at) => devianceOf(rows, ({ dB }) => accuracyAt(at, dB));

// The best of a few hundred functions: steep ones between two levels are local optima.
function coarseFit(rows, [lowest, highest]) {
  const most = Math.max(...rows.map(({ right, trials }) => right / trials));
  let best = { deviance: Infinity };
  for (let i = 0; i < COARSE.middles; i++) {
    const middle = lowest + ((highest - lowest) * i) / (COARSE.middles - 1);
    for (const spread of COARSE.spreads) {
      for (const lapse of [0.01, 1 - most]) {
        const deviance = misfit(rows, [middle, spread, lapse]);
        if (deviance < best.deviance) best = { deviance, found: [middle, spread, lapse] };
      }
    }
  }
  return best.found;
}

// Every choice of one value from each set.
const combinations = (sets) =>
  sets.reduce((all, set) => all.flatMap((head) => set.map((each) => [...head, each])), [[]]);

// The best function within the limits, searched from a start. The best point of a grid with
// three values of each parameter is the middle of the next grid; if it was the middle already,
// the next grid is finer. A parameter whose limits are equal keeps its value.
function mostLikely(rows, limits, start) {
  let found = start.map((each, i) => clip(each, limits[i]));
  let deviance = misfit(rows, found);
  for (let refinement = 0; refinement < REFINEMENTS; ) {
    const tried = found.map((each, i) => {
      const step = FIRST_STEPS[i] / 2 ** refinement;
      return [...new Set([each, clip(each - step, limits[i]), clip(each + step, limits[i])])];
    });
    const middle = found;
    for (const at of combinations(tried)) {
      const now = misfit(rows, at);
      if (now < deviance) [found, deviance] = [at, now];
    }
    if (found === middle) refinement += 1;
  }
  return { found, deviance };
}

// The end of the threshold's 95% interval in the direction of `end`: the threshold at which the
// deviance, with the best spread and lapse for it, is larger by LIKELY (profile likelihood).
function likelyEnd(rows, [, ...others], { found, deviance }, end) {
  let [inside, outside] = [found[0], end];
  const isLikely = (middle) =>
    mostLikely(rows, [[middle, middle], ...others], found).deviance - deviance < LIKELY;
  if (isLikely(end)) return end;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (inside + outside) / 2;
    if (isLikely(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}
