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
const FIT_STEPS = 200; // of a fit, at most; some ten are usual
const SMALL_STEP = 1e-8; // a smaller step ends it: dB, log dB, share
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
  const best = mostLikely(rows, limits, likelyStart(rows, ends));
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
  return 0.5 + sum * normalDensity(x);
}

const normalDensity = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

function accuracyAt([middle, logSpread, lapse], dB) {
  return GUESS + (1 - GUESS - lapse) * normalIntegral((middle - dB) / Math.exp(logSpread));
}

// Twice the logarithm of how much likelier the counts are by their own shares.
function devianceOf(rows, expected) {
  const term = (share, p) => (share ? share * Math.log(share / p) : 0);
  return rows.reduce((sum, row) => {
    const [share, p] = [row.right / row.trials, clip(expected(row), [PROBABLE, 1 - PROBABLE])];
    return sum + 2 * row.trials * (term(share, p) + term(1 - share, 1 - p));
  }, 0);
}

// Fisher scoring, each step damped until it is one downhill (Levenberg 1944; Marquardt 1963);
// a parameter that is drawn beyond its limit stays there.
function mostLikely(rows, limits, start) {
  const misfit = (at) => devianceOf(rows, ({ dB }) => accuracyAt(at, dB));
  let found = start.map((each, i) => clip(each, limits[i]));
  let [deviance, damping] = [misfit(found), 1e-3];
  for (let i = 0; i < FIT_STEPS; i++) {
    const { gradient, information } = scores(rows, found);
    const isFree = found.map((each, j) => {
      const [low, high] = limits[j];
      return !((each <= low && gradient[j] < 0) || (each >= high && gradient[j] > 0));
    });
    const damped = information.map((row, j) =>
      row.map((each, k) => {
        const kept = isFree[j] && isFree[k] ? each : 0;
        return j === k ? kept * (1 + damping) + (isFree[j] ? 1e-9 : 1) : kept;
      }),
    );
    const uphill = gradient.map((each, j) => (isFree[j] ? each : 0));
    const step = solve(damped, uphill);
    const tried = found.map((each, j) => clip(each + step[j], limits[j]));
    if (Math.max(...tried.map((each, j) => Math.abs(each - found[j]))) < SMALL_STEP) break;
    const now = misfit(tried);
    const isBetter = now < deviance;
    if (isBetter) [found, deviance] = [tried, now];
    damping *= isBetter ? 0.1 : 10;
  }
  return { found, deviance };
}

// Gradient of the log likelihood, and Fisher's information.
function scores(rows, [middle, logSpread, lapse]) {
  const gradient = [0, 0, 0];
  const information = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  const spread = Math.exp(logSpread);
  for (const { dB, right, trials } of rows) {
    const below = (middle - dB) / spread;
    const fall = (1 - GUESS - lapse) * normalDensity(below);
    const slopes = [fall / spread, -fall * below, -normalIntegral(below)];
    const p = clip(accuracyAt([middle, logSpread, lapse], dB), [PROBABLE, 1 - PROBABLE]);
    const weight = trials / (p * (1 - p));
    slopes.forEach((slope, j) => {
      gradient[j] += slope * weight * (right / trials - p);
      slopes.forEach((other, k) => (information[j][k] += slope * other * weight));
    });
  }
  return { gradient, information };
}

// x of A x = b, A being symmetric and positive definite (Gauss).
function solve(matrix, b) {
  const rows = matrix.map((row, j) => [...row, b[j]]);
  const x = [0, 0, 0];
  rows.forEach((pivot, j) => {
    for (const row of rows.slice(j + 1)) {
      const factor = row[j] / pivot[j];
      row.forEach((_, k) => (row[k] -= factor * pivot[k]));
    }
  });
  for (let j = 2; j >= 0; j--) {
    const known = x.reduce((sum, each, k) => sum + each * rows[j][k], 0); // x[j] is still 0
    x[j] = (rows[j][3] - known) / rows[j][j];
  }
  return x;
}

// Of a few hundred functions, that which fits best: steep ones between levels are local optima.
function likelyStart(rows, [lowest, highest]) {
  const most = Math.max(...rows.map(({ right, trials }) => right / trials));
  let [best, least] = [null, Infinity];
  for (const spread of [2, 4, 8, 16]) {
    for (let i = 0; i < 50; i++) {
      for (const lapse of [0.01, 1 - most]) {
        const tried = [lowest + ((highest - lowest) * i) / 49, Math.log(spread), lapse];
        const deviance = devianceOf(rows, ({ dB }) => accuracyAt(tried, dB));
        if (deviance < least) [best, least] = [tried, deviance];
      }
    }
  }
  return best;
}

// The threshold farthest towards `end` that the counts do not speak against: there the best
// spread and lapse make them less likely by LIKELY (profile likelihood).
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
