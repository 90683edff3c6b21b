// Digits as Python sends them, unpacked.
import { checkDigits } from "./displays.js";
import { bytesOf } from "./network.js";

// Digits { rows, cols, images, labels } as displays.js has them, from images that are deflated.
export async function digitsOf({ rows, cols, images, labels }) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error(
      "Expected a browser that can inflate data (DecompressionStream); received one that " +
        "cannot. Use Chrome or Edge 91, Firefox 113, Safari 16.4, or a later one.",
    );
  }
  const deflated = new Blob([bytesOf(images)]).stream();
  const inflated = new Response(deflated.pipeThrough(new DecompressionStream("deflate")));
  const digits = { rows, cols, images: new Uint8Array(await inflated.arrayBuffer()), labels };
  checkDigits(digits, [rows, cols]);
  return digits;
}

// Image `index` of digits, as grey levels that noise can be added to.
export function imageOf({ rows, cols, images }, index) {
  return Float32Array.from(images.subarray(index * rows * cols, (index + 1) * rows * cols));
}
