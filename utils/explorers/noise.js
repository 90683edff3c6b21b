// Ways to make a digit harder to see: names and formulas are those of utils/noise.py, the
// random numbers are the page's own. What is random is drawn once, `draw(count, random)`, and
// then scaled by the level, `apply(image, level, drawn)`: two levels of one draw differ in
// strength and in nothing else, and level 0 is the image.
import { drawNoise, withNoise } from "./displays.js";

const FULL_INK = 255;

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
      image.map((grey, i) => (u[i] < share / 2 ? 0 : u[i] < share ? FULL_INK : grey)),
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
