// What the networks of a page look at: digits somewhere on a canvas, in noise. The page draws
// seeded random numbers of its own: not NumPy's, but the same in every browser up to rounding.
//
// Digits are { rows, cols, images, labels }: images holds grey levels (Uint8Array or
// Float32Array), one digit after the other, row by row.

// Returns a source of uniform numbers from 0 to 1, for a seed and one of its independent streams
// (sfc32 of PractRand).
export function randomNumbers(seed, stream = 0) {
  let [a, b, c, counter] = [seed | 0, stream | 0, 0x243f6a88, 1];
  function next() {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  for (let i = 0; i < 20; i++) next(); // until the seed has reached every bit
  return next;
}

// Adds sd * z to each pixel, in place, z being standard normal (Box and Muller 1958). Draws
// as many numbers at every SD, so that two levels differ only in strength.
export function addNoise(image, sd, random) {
  for (let i = 0; i < image.length; i += 2) {
    const radius = sd * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    image[i] += radius * Math.cos(angle);
    if (i + 1 < image.length) image[i + 1] += radius * Math.sin(angle);
  }
  return image;
}

// The same noise in two steps, so that it can be drawn once and scaled by any SD.
export const drawNoise = (count, random) => addNoise(new Float32Array(count), 1, random);
export const withNoise = (image, sd, drawn) => image.map((grey, i) => grey + sd * drawn[i]);

// The upper left corner of a digit, [row, col], drawn from all at which it fits a canvas of
// [rows, cols].
export function drawPlace({ rows, cols }, canvas, random) {
  return [canvas[0] - rows, canvas[1] - cols].map((room) => Math.floor(random() * (room + 1)));
}

// A digit on a canvas, at a given place or at a random one.
export function showDigit(digits, index, canvas, random, place) {
  const { rows, cols, images } = digits;
  const [top, left] = place ?? drawPlace(digits, canvas, random);
  const shown = new Float32Array(canvas[0] * canvas[1]);
  for (let row = 0; row < rows; row++) {
    const from = (index * rows + row) * cols;
    shown.set(images.subarray(from, from + cols), (top + row) * canvas[1] + left);
  }
  return shown;
}

// Lays a part of a digit, [row, col, rows, cols], over an image on a canvas, in place: its
// corner at [top, left]. Of two pixels the brighter one is shown.
export function layPart(image, canvas, { rows, cols, images }, index, part, [top, left]) {
  const [firstRow, firstCol, height, width] = part;
  for (let row = 0; row < height; row++) {
    const from = (index * rows + firstRow + row) * cols + firstCol;
    const to = (top + row) * canvas[1] + left;
    for (let col = 0; col < width; col++) {
      image[to + col] = Math.max(image[to + col], images[from + col]);
    }
  }
}

// The numbers 0 to count - 1 in random order, then in another one, without end.
export function* endlessOrder(count, random) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (;;) {
    for (let last = count - 1; last > 0; last--) {
      // Fisher and Yates
      const other = Math.floor(random() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    yield* order;
  }
}

// --- Kinds of noise -------------------------------------------------------------------

// Names and formulas are those of utils/noise.py. Random numbers are drawn once by
// `draw(count, random)`, and `apply(image, level, drawn)` scales them, so that two levels of one
// draw differ only in strength. Level 0 leaves the image as it is.
export const NOISES = {
  // image + sd z, z being standard normal
  gaussian: {
    draw: drawNoise,
    apply: withNoise,
  },

  // A share of the pixels becomes black or white, each as often.
  salt_and_pepper: {
    draw: (count, random) => Float32Array.from({ length: count }, random),
    apply: (image, share, u) =>
      image.map((grey, i) => (u[i] < share / 2 ? 0 : u[i] < share ? 255 : grey)),
  },

  // mean + (1 - removed) (image - mean)
  contrast: {
    draw: () => null,
    apply(image, removed) {
      const mean = image.reduce((sum, grey) => sum + grey, 0) / image.length;
      return image.map((grey) => (1 - removed) * grey + removed * mean);
    },
  },
};
