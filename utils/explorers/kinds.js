// The page's registry of attention maps, with their derivatives: names, parameters and
// formulas are those of utils/attention.py, where their sources are.
//
// A look is { rows, cols, features, evidence, featuresGradient, evidenceGradient }: the size
// of the map, features (places, 32) and evidence (places, 10) of the first look, place being
// row * cols + col, and two arrays of the same shapes for gradients. A map is
// { values, backward }: values (places), and a function that takes the gradient of the values
// and adds to the look's two arrays. A map that no weight can change has no `backward`.
//
// A page has this file and its neighbours in one script: see network.js.

const MAP_CHANNELS = 32;
const MAP_DIGITS = 10;
const SMALL = 1e-7; // Keras' epsilon

// A kind is { attend, parameters, isGain, isBlind }: `attend(look, parameters)` makes its map;
// `parameters` are the defaults; a gain is not divided by its mean; a blind kind needs only the
// size of a look.
export const KINDS = {
  // A = 1
  ones: { isBlind: true, attend: (look) => constantMap(look, () => 1) },

  // A = mean_k p(k), each column divided by its sum. That mean is 1/10 whatever the weights.
  as_coded: {
    isGain: true,
    isBlind: true,
    attend: (look) => constantMap(look, () => 1 / look.rows),
  },

  // G = gain
  uniform: {
    isGain: true,
    isBlind: true,
    parameters: { gain: 1 / 15 },
    attend: (look, { gain }) => constantMap(look, () => gain),
  },

  // A = log sum_k exp E(k) - mean_k E(k); dA/dE(k) = p(k) - 1/10
  evidence: {
    attend: (look) =>
      mapOfEvidence(look, ({ logSum, mean }) => logSum - mean, ({ p }, k) => p[k] - 1 / MAP_DIGITS),
  },

  // A = 1 - H / ln 10, H = -sum_k p(k) log p(k); dA/dE(k) = p(k) (log p(k) + H) / ln 10
  selectivity: {
    attend: (look) =>
      mapOfEvidence(
        look,
        ({ entropy }) => Math.max(1 - entropy / Math.log(MAP_DIGITS), 0),
        ({ p, logP, entropy }, k) => (p[k] * (logP[k] + entropy)) / Math.log(MAP_DIGITS),
      ),
  },

  // A = mean of p(k) over the n likeliest digits = sum_k share[k] p(k), share being 1/n or 0;
  // dA/dE(k) = p(k) (share[k] - A)
  top_n: {
    parameters: { n: 1 },
    attend(look, { n }) {
      const shares = new Float64Array(MAP_DIGITS);
      for (const k of likeliestDigits(look.evidence, n)) shares[k] = 1 / n;
      return mapOfEvidence(
        look,
        ({ p }) => dot(p, shares),
        ({ p }, k, attended) => p[k] * (shares[k] - attended),
      );
    },
  },

  // A = mean_c F(c)
  energy: { attend: meanActivity },

  // G = F / (interior mean of F), with F = mean_c F(c) + 1e-7
  place: {
    isGain: true,
    attend: (look) => divided(plus(meanActivity(look), SMALL), interior(look)),
  },

  // G = interior mean of the gain of `energy`, at every place
  amount: {
    isGain: true,
    attend: (look) => averaged(ofMeanOne(meanActivity(look), look), interior(look)),
  },

  // G = F / (interior mean of F + sigma), with F = mean_c F(c); without activity, 0
  normalised: {
    isGain: true,
    parameters: { sigma: 1 },
    attend: (look, { sigma }) => divided(meanActivity(look), interior(look), sigma),
  },

  // A[i] = B[places[i]] of another kind's map B. `places` is the order that NumPy drew.
  shuffled: {
    parameters: { of: "energy", places: null },
    attend(look, { of, places, ...rest }) {
      const other = mapOf(of, look, rest);
      return derived(
        other,
        other.values.map((_, i) => other.values[places[i]]),
        (gradient) => {
          const moved = new Float64Array(gradient.length);
          places.forEach((from, to) => (moved[from] += gradient[to]));
          return moved;
        },
      );
    },
  },

  // A = max(B) - B of another kind's map B. Equal maxima share the gradient, as in JAX.
  inverted: {
    parameters: { of: "energy" },
    attend(look, { of, ...rest }) {
      const other = mapOf(of, look, rest);
      const largest = other.values.reduce((most, each) => Math.max(most, each));
      const isLargest = other.values.map((each) => (each === largest ? 1 : 0));
      const shared = total(isLargest);
      return derived(
        other,
        other.values.map((each) => largest - each),
        (gradient) => {
          const share = total(gradient) / shared;
          return gradient.map((each, i) => isLargest[i] * share - each);
        },
      );
    },
  },

  // A = exp(-(y^2 + x^2) / (2 sd^2)), y and x from -1/2 to 1/2
  centre: {
    isBlind: true,
    parameters: { sd: 0.25 },
    attend: (look, { sd }) =>
      constantMap(look, (row, col) => {
        const [y, x] = [row / (look.rows - 1) - 0.5, col / (look.cols - 1) - 0.5];
        return Math.exp(-(y * y + x * x) / (2 * sd * sd));
      }),
  },

  // A = a map from outside; entries below 0 count as 0
  given: {
    isBlind: true,
    parameters: { map: null },
    attend: (look, { map }) => ({ values: Float64Array.from(map, (each) => Math.max(each, 0)) }),
  },
};

// The gain that multiplies the input of conv_2, as a map: 1 + strength (G - 1), where G is
// the kind's map divided by its mean, or the map itself of kinds that are gains. At strength
// 0 every kind but as_coded, which has no strength, is the control.
export function attentionGain(kind, look, { strength = 1, ...parameters } = {}) {
  const map = mapOf(kind, look, parameters);
  if (kind === "as_coded") return map;
  const moved = parameters.of ?? kind; // a gain in another order is one
  const gain = KINDS[moved].isGain ? map : ofMeanOne(map, look);
  return derived(
    gain,
    gain.values.map((each) => 1 - strength + strength * each),
    (gradient) => gradient.map((each) => strength * each),
  );
}

function mapOf(kind, look, given) {
  const { attend, parameters } = KINDS[kind];
  return attend(look, { ...parameters, ...given });
}

// --- Maps from maps -------------------------------------------------------------------

// A map made from another: its values, and a function from the gradient of these values to the
// gradient of the other map's values.
const derived = (map, values, through) => ({
  values,
  backward: map.backward && ((gradient) => map.backward(through(gradient))),
});

const total = (values) => values.reduce((sum, each) => sum + each, 0);

const dot = (a, b) => a.reduce((sum, each, i) => sum + each * b[i], 0);

const plus = (map, constant) =>
  derived(map, map.values.map((each) => each + constant), (gradient) => gradient);

// G = A / D with D = sum_j share[j] A[j] + constant, but at least SMALL;
// gradient of A[i] = (gradient of G[i] - share[i] sum_j (gradient of G[j]) G[j]) / D
function divided(map, shares, constant = 0) {
  const sum = dot(map.values, shares) + constant;
  const divisor = Math.max(sum, SMALL);
  const values = map.values.map((each) => each / divisor);
  return derived(map, values, (gradient) => {
    const common = sum > SMALL ? dot(gradient, values) : 0;
    return gradient.map((each, i) => (each - shares[i] * common) / divisor);
  });
}

// At every place, sum_j share[j] A[j]
function averaged(map, shares) {
  const mean = dot(map.values, shares);
  return derived(
    map,
    map.values.map(() => mean),
    (gradient) => {
      const sum = total(gradient);
      return shares.map((share) => share * sum);
    },
  );
}

// A / mean(A); a map of zeros gives 1, because of the constant
const ofMeanOne = (map, look) => divided(plus(map, SMALL), everywhere(look));

// The weight of each place in a mean over all places, and in one without the padding's ring.
const everywhere = ({ rows, cols }) => new Float64Array(rows * cols).fill(1 / (rows * cols));

function interior({ rows, cols }) {
  const shares = new Float64Array(rows * cols);
  for (let row = 1; row < rows - 1; row++) {
    shares.fill(1 / ((rows - 2) * (cols - 2)), row * cols + 1, (row + 1) * cols - 1);
  }
  return shares;
}

// --- Maps from a look -----------------------------------------------------------------

function constantMap({ rows, cols }, valueAt) {
  const values = new Float64Array(rows * cols);
  return { values: values.map((_, i) => valueAt(Math.floor(i / cols), i % cols)) };
}

// mean_c F(c)
function meanActivity({ rows, cols, features, featuresGradient }) {
  const values = new Float64Array(rows * cols);
  for (let i = 0, at = 0; i < values.length; i++) {
    let sum = 0;
    for (let c = 0; c < MAP_CHANNELS; c++) sum += features[at++];
    values[i] = sum / MAP_CHANNELS;
  }
  return {
    values,
    backward(gradient) {
      for (let i = 0, at = 0; i < values.length; i++) {
        const share = gradient[i] / MAP_CHANNELS;
        for (let c = 0; c < MAP_CHANNELS; c++) featuresGradient[at++] += share;
      }
    },
  };
}

// A map whose value A at a place comes from the evidence E there alone: A = value(place),
// dA/dE(k) = slope(place, k, A), where place is as in `forEachPlace`.
function mapOfEvidence(look, value, slope) {
  const values = new Float64Array(look.rows * look.cols);
  forEachPlace(look, (place, i) => (values[i] = value(place)));
  return {
    values,
    backward(gradient) {
      forEachPlace(look, (place, i) => {
        for (let k = 0; k < MAP_DIGITS; k++) {
          const along = slope(place, k, values[i]);
          look.evidenceGradient[i * MAP_DIGITS + k] += gradient[i] * along;
        }
      });
    },
  };
}

// Visits { p, logP, entropy, logSum, mean } of each place: the softmax of its evidence, the
// logarithm of that, its entropy, log sum_k exp E(k), and mean_k E(k). One object serves all.
function forEachPlace({ evidence }, visit) {
  const p = new Float64Array(MAP_DIGITS);
  const logP = new Float64Array(MAP_DIGITS);
  const place = { p, logP, entropy: 0, logSum: 0, mean: 0 };
  for (let first = 0; first < evidence.length; first += MAP_DIGITS) {
    let [largest, sum, powers] = [-Infinity, 0, 0];
    for (let k = 0; k < MAP_DIGITS; k++) {
      sum += evidence[first + k];
      largest = Math.max(largest, evidence[first + k]);
    }
    for (let k = 0; k < MAP_DIGITS; k++) powers += p[k] = Math.exp(evidence[first + k] - largest);
    place.mean = sum / MAP_DIGITS;
    place.logSum = largest + Math.log(powers);
    place.entropy = 0;
    for (let k = 0; k < MAP_DIGITS; k++) {
      p[k] /= powers;
      logP[k] = evidence[first + k] - place.logSum;
      place.entropy -= p[k] * logP[k];
    }
    visit(place, first / MAP_DIGITS);
  }
}

// The n digits with the most evidence, summed over the map; among equals, the smaller digit.
function likeliestDigits(evidence, n) {
  const sums = new Float64Array(MAP_DIGITS);
  evidence.forEach((each, i) => (sums[i % MAP_DIGITS] += each));
  const digits = [...sums.keys()].sort((a, b) => sums[b] - sums[a] || a - b);
  return digits.slice(0, n);
}
