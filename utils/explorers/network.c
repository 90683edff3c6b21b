// The network that looks twice, forwards and backwards, for WebAssembly with SIMD.
//
// The architecture of utils/model.py, one image at a time, as the page's own
// JavaScript drives it (network.js). Attention is left to that (kinds.js): it turns the
// features and the evidence of the first look into a gain between `look` and
// `look_again`, and carries gradients from the gain back to both between
// `look_again_backward` and `look_backward`.
//
// A place of an array is [row][col][channel]. `map` is the size of conv_2's output and of
// the gain: one place more on each side than `pooled`, the features it multiplies; its
// outermost ring multiplies zeros of padding. Gradients have the name of what they are
// the loss's gradient of.

enum { CHANNELS = 32, DIGITS = 10, PAD_2 = 2, LANES = 4, VECTORS = CHANNELS / LANES };
enum { ALIGNMENT = 16, WASM_PAGE = 65536 }; // bytes

#define EXPORT __attribute__((visibility("default")))

typedef struct {
  int rows, cols;
} Size;

typedef struct { // 9,898 numbers in the order of Keras, and two that fill a vector
  float conv_1_kernel[3][3][CHANNELS];
  float conv_1_bias[CHANNELS];
  float conv_2_kernel[3][3][CHANNELS][CHANNELS]; // from, to
  float conv_2_bias[CHANNELS];
  float dense_2_kernel[CHANNELS][DIGITS];
  float dense_2_bias[DIGITS];
  float unused[2];
} Weights;

EXPORT Weights weights, weights_gradient;
static Weights moments[2]; // what the optimiser remembers

static Size canvas, pooled, map, last; // last: after the second pooling

// What network.js reads and writes.
EXPORT float* image;                        // (canvas): grey levels
EXPORT float *features, *features_gradient; // (map, 32): of the first look
EXPORT float *evidence, *evidence_gradient; // (map, 10): class evidence
EXPORT float *gain, *gain_gradient;         // (map)
EXPORT float logits[DIGITS], logits_gradient[DIGITS];

// `void *`: each function says in its own signature what shape it takes.
static void* padded_image;                         // (canvas + 2)
static void *conv_1, *conv_1_gradient;             // (canvas, 32): after ReLU
static void *pool_1, *pool_1_gradient;             // (pooled, 32)
static void* seen;                                 // (map + 2, 32): what conv_2 looks at
static void *seen_gradient, *attended_gradient;    // (pooled, 32): without the padding
static void* attended;                             // (map + 2, 32): seen * gain
static void *conv_2, *conv_2_gradient;             // (map, 32): of the second look
static void *pool_2, *pool_2_gradient;             // (last, 32)
static void *normalised_2, *normalised_2_gradient; // (last, 32)
static float average[CHANNELS];                    // dense_1: normalised_2 over all places

// --- Vectors of four floats ------------------------------------------------------------

typedef float Vector __attribute__((ext_vector_type(LANES)));
typedef Vector Unaligned __attribute__((aligned(4), may_alias));

static inline Vector load(const float* from) { return *(const Unaligned*)from; }

static inline void store(float* to, Vector values) { *(Unaligned*)to = values; }

static inline void add(float* to, Vector values) { store(to, load(to) + values); }

static inline Vector larger(Vector a, Vector b) { return a < b ? b : a; }

static inline Vector root(Vector x) { return __builtin_elementwise_sqrt(x); }

static inline float sum_of_lanes(Vector x) { return (x[0] + x[1]) + (x[2] + x[3]); }

static void fill_with_zeros(float* to, int count) {
  __builtin_memset(to, 0, count * sizeof *to);
}

// --- Convolutions ----------------------------------------------------------------------

enum { TILE = 5 }; // places: with two vectors each they fit into 16 registers

// out[n][o] = sum over i, j, c of x[i][n + j][c] kernel[i][j][c][o], for a row of `places`
// and eight channels o. In memory, j and c of a row of x are one index.
__attribute__((always_inline)) static inline void convolve_tile(int places, int row_length,
                                                                const float* x,
                                                                const float* kernel,
                                                                float* out) {
  Vector sums[TILE][2] = {0};
  for (int i = 0; i < 3; i++, x += row_length)
    for (int jc = 0; jc < 3 * CHANNELS; jc++, kernel += CHANNELS) {
      Vector left = load(kernel), right = load(kernel + LANES);
#pragma unroll
      for (int n = 0; n < places; n++) {
        sums[n][0] += x[n * CHANNELS + jc] * left;
        sums[n][1] += x[n * CHANNELS + jc] * right;
      }
    }
#pragma unroll
  for (int n = 0; n < places; n++) {
    store(out + n * CHANNELS, sums[n][0]);
    store(out + n * CHANNELS + LANES, sums[n][1]);
  }
}

// out[y][x][o] = sum over i, j, c of in[y + i][x + j][c] kernel[i][j][c][o]
// The last tile of a row lies over part of the one before it, and computes that again.
static void convolve(int rows, int cols, const float in[rows + 2][cols + 2][CHANNELS],
                     const float kernel[3][3][CHANNELS][CHANNELS],
                     float out[rows][cols][CHANNELS]) {
  int row_length = (cols + 2) * CHANNELS;
  for (int o = 0; o < CHANNELS; o += 2 * LANES)
    for (int y = 0; y < rows; y++)
      if (cols < TILE) {
        for (int x = 0; x < cols; x++)
          convolve_tile(1, row_length, in[y][x], &kernel[0][0][0][o], &out[y][x][o]);
      } else {
        for (int next = 0; next < cols; next += TILE) {
          int x = next + TILE <= cols ? next : cols - TILE;
          convolve_tile(TILE, row_length, in[y][x], &kernel[0][0][0][o], &out[y][x][o]);
        }
      }
}

// kernel_gradient[i][j][c][o] += sum over y, x of in[y + i][x + j][c] out_gradient[y][x][o]
// over the places y + i, x + j of `pooled`: those around it are padding. Four channels c
// by eight o at a time.
static void convolve_kernel_backward(int rows, int cols,
                                     const float in[rows + 4][cols + 4][CHANNELS],
                                     const float out_gradient[rows + 2][cols + 2][CHANNELS],
                                     float kernel_gradient[3][3][CHANNELS][CHANNELS]) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int c = 0; c < CHANNELS; c += 4)
        for (int o = 0; o < CHANNELS; o += 2 * LANES) {
          Vector sums[4][2] = {0};
          for (int y = 0; y < rows; y++) {
            const float* from = &in[y + PAD_2][PAD_2][c];
            const float* to = &out_gradient[y + PAD_2 - i][PAD_2 - j][o];
            for (int x = 0; x < cols; x++, from += CHANNELS, to += CHANNELS) {
              Vector left = load(to), right = load(to + LANES);
#pragma unroll
              for (int n = 0; n < 4; n++) {
                sums[n][0] += from[n] * left;
                sums[n][1] += from[n] * right;
              }
            }
          }
#pragma unroll
          for (int n = 0; n < 4; n++) {
            add(&kernel_gradient[i][j][c + n][o], sums[n][0]);
            add(&kernel_gradient[i][j][c + n][o + LANES], sums[n][1]);
          }
        }
}

// turned[i][j][o][c] = kernel[2 - i][2 - j][c][o]: convolving a gradient with it leads
// back through a convolution.
static void turn(const float kernel[3][3][CHANNELS][CHANNELS],
                 float turned[3][3][CHANNELS][CHANNELS]) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int c = 0; c < CHANNELS; c++)
        for (int o = 0; o < CHANNELS; o++) turned[i][j][o][c] = kernel[2 - i][2 - j][c][o];
}

// padded[1 + y][1 + x] = image[y][x]
static void pad_image(int rows, int cols, const float from[rows][cols],
                      float padded[rows + 2][cols + 2]) {
  for (int y = 0; y < rows; y++)
    __builtin_memcpy(&padded[1 + y][1], from[y], cols * sizeof(float));
}

// out[y][x][o] = sum over i, j of in[y + i][x + j] kernel[i][j][o]: of one channel.
static void convolve_image(int rows, int cols, const float in[rows + 2][cols + 2],
                           const float kernel[3][3][CHANNELS],
                           float out[rows][cols][CHANNELS]) {
  for (int o = 0; o < CHANNELS; o += LANES) {
    Vector taps[3][3];
#pragma unroll
    for (int ij = 0; ij < 9; ij++) taps[ij / 3][ij % 3] = load(&kernel[ij / 3][ij % 3][o]);
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < cols; x++) {
        Vector sum = 0;
#pragma unroll
        for (int ij = 0; ij < 9; ij++)
          sum += in[y + ij / 3][x + ij % 3] * taps[ij / 3][ij % 3];
        store(&out[y][x][o], sum);
      }
  }
}

// kernel_gradient[i][j][o] += sum over y, x of in[y + i][x + j] out_gradient[y][x][o]
static void convolve_image_backward(int rows, int cols, const float in[rows + 2][cols + 2],
                                    const float out_gradient[rows][cols][CHANNELS],
                                    float kernel_gradient[3][3][CHANNELS]) {
  for (int o = 0; o < CHANNELS; o += LANES) {
    Vector sums[9] = {0};
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < cols; x++) {
        Vector gradient = load(&out_gradient[y][x][o]);
#pragma unroll
        for (int ij = 0; ij < 9; ij++) sums[ij] += in[y + ij / 3][x + ij % 3] * gradient;
      }
#pragma unroll
    for (int ij = 0; ij < 9; ij++) add(&kernel_gradient[ij / 3][ij % 3][o], sums[ij]);
  }
}

// --- Between convolutions --------------------------------------------------------------

// x = max(0, x + bias)
static void add_bias_and_rectify(int places, const float bias[CHANNELS],
                                 float x[places][CHANNELS]) {
  for (int n = 0; n < places; n++)
    for (int c = 0; c < CHANNELS; c += LANES)
      store(&x[n][c], larger(0, load(&x[n][c]) + load(&bias[c])));
}

// gradient = gradient where x > 0, else 0; bias_gradient += its sum over places
static void add_bias_and_rectify_backward(int places, const float x[places][CHANNELS],
                                          float gradient[places][CHANNELS],
                                          float bias_gradient[CHANNELS]) {
  for (int n = 0; n < places; n++)
    for (int c = 0; c < CHANNELS; c += LANES) {
      Vector passed = load(&x[n][c]) > 0 ? load(&gradient[n][c]) : 0;
      store(&gradient[n][c], passed);
      add(&bias_gradient[c], passed);
    }
}

// out[y][x] = largest of in[2 y ... 2 y + 2][2 x ... 2 x + 2]
static void pool(Size size, int rows, int cols, const float in[rows][cols][CHANNELS],
                 float out[size.rows][size.cols][CHANNELS]) {
  for (int y = 0; y < size.rows; y++)
    for (int x = 0; x < size.cols; x++)
      for (int c = 0; c < CHANNELS; c += LANES) {
        Vector largest = load(&in[2 * y][2 * x][c]);
        for (int n = 1; n < 9; n++)
          largest = larger(largest, load(&in[2 * y + n % 3][2 * x + n / 3][c]));
        store(&out[y][x][c], largest);
      }
}

// in_gradient gets out_gradient where the largest is. Where several are, as
// utils.layers.MaxPool: at the leftmost column of them, and in it the first row.
static void pool_backward(Size size, int rows, int cols,
                          const float in[rows][cols][CHANNELS],
                          const float out[size.rows][size.cols][CHANNELS],
                          const float out_gradient[size.rows][size.cols][CHANNELS],
                          float in_gradient[rows][cols][CHANNELS]) {
  fill_with_zeros(in_gradient[0][0], rows * cols * CHANNELS);
  for (int y = 0; y < size.rows; y++)
    for (int x = 0; x < size.cols; x++)
      for (int c = 0; c < CHANNELS; c += LANES) {
        Vector largest = load(&out[y][x][c]), left = load(&out_gradient[y][x][c]);
        for (int n = 0; n < 9; n++) {
          int row = 2 * y + n % 3, col = 2 * x + n / 3;
          Vector given = load(&in[row][col][c]) == largest ? left : 0;
          add(&in_gradient[row][col][c], given);
          left -= given;
        }
      }
}

// sums[i] = x[i - 2] + ... + x[i + 2] over channels i. Around them, x has a vector of zeros
// on each side: x[1] holds the first four channels.
static inline void sum_over_neighbours(const Vector x[VECTORS + 2], Vector sums[VECTORS]) {
  for (int v = 0; v < VECTORS; v++) {
    Vector before = x[v], here = x[v + 1], after = x[v + 2];
    sums[v] = here + __builtin_shufflevector(before, here, 2, 3, 4, 5) +
              __builtin_shufflevector(before, here, 3, 4, 5, 6) +
              __builtin_shufflevector(here, after, 1, 2, 3, 4) +
              __builtin_shufflevector(here, after, 2, 3, 4, 5);
  }
}

static const float K = 2, ALPHA = 1e-4f; // of local response normalisation

// d[i] = k + alpha sum over neighbours j of x[j]^2
static inline void normalising_sums(const float x[CHANNELS], Vector d[VECTORS]) {
  Vector squares[VECTORS + 2] = {0};
  for (int v = 0; v < VECTORS; v++)
    squares[v + 1] = load(&x[v * LANES]) * load(&x[v * LANES]);
  sum_over_neighbours(squares, d);
  for (int v = 0; v < VECTORS; v++) d[v] = K + ALPHA * d[v];
}

// d ^ -0.75, in operations that have vectors
static inline Vector divisor_of(Vector d) { return 1 / (root(d) * root(root(d))); }

// out = x d ^ -0.75, into an array with `pad` places of padding on each side
static void normalise(int rows, int cols, int pad, const float x[rows][cols][CHANNELS],
                      float out[rows + 2 * pad][cols + 2 * pad][CHANNELS]) {
  for (int y = 0; y < rows; y++)
    for (int col = 0; col < cols; col++) {
      Vector d[VECTORS];
      normalising_sums(x[y][col], d);
      for (int v = 0; v < VECTORS; v++)
        store(&out[y + pad][col + pad][v * LANES],
              load(&x[y][col][v * LANES]) * divisor_of(d[v]));
    }
}

// With g the gradient of the output and f = d ^ -0.75:
// x_gradient[i] = g[i] f[i] - 1.5 alpha x[i] sum over neighbours j of g[j] x[j] f[j] / d[j]
static void normalise_backward(int places, const float x[places][CHANNELS],
                               const float g[places][CHANNELS],
                               float x_gradient[places][CHANNELS]) {
  for (int n = 0; n < places; n++) {
    Vector d[VECTORS], direct[VECTORS], shares[VECTORS + 2] = {0}, sums[VECTORS];
    normalising_sums(x[n], d);
    for (int v = 0; v < VECTORS; v++) {
      direct[v] = load(&g[n][v * LANES]) * divisor_of(d[v]);
      shares[v + 1] = direct[v] * load(&x[n][v * LANES]) / d[v];
    }
    sum_over_neighbours(shares, sums);
    for (int v = 0; v < VECTORS; v++)
      store(&x_gradient[n][v * LANES],
            direct[v] - 1.5f * ALPHA * load(&x[n][v * LANES]) * sums[v]);
  }
}

// out[1 + y][1 + x] = gain[y][x] in[1 + y][1 + x] inside the ring that multiplies padding
static void multiply_by_gain(int rows, int cols, const float gain[rows + 2][cols + 2],
                             const float in[rows + 4][cols + 4][CHANNELS],
                             float out[rows + 4][cols + 4][CHANNELS]) {
  for (int y = 1; y <= rows; y++)
    for (int x = 1; x <= cols; x++)
      for (int c = 0; c < CHANNELS; c += LANES)
        store(&out[1 + y][1 + x][c], gain[y][x] * load(&in[1 + y][1 + x][c]));
}

// gain_gradient[y][x] = sum over c of in[c] out_gradient[c]; in_gradient = gain
// out_gradient
static void multiply_by_gain_backward(int rows, int cols,
                                      const float gain[rows + 2][cols + 2],
                                      const float in[rows + 4][cols + 4][CHANNELS],
                                      const float out_gradient[rows][cols][CHANNELS],
                                      float gain_gradient[rows + 2][cols + 2],
                                      float in_gradient[rows][cols][CHANNELS]) {
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < cols; x++) {
      Vector sum = 0;
      for (int c = 0; c < CHANNELS; c += LANES) {
        Vector gradient = load(&out_gradient[y][x][c]);
        sum += gradient * load(&in[y + PAD_2][x + PAD_2][c]);
        store(&in_gradient[y][x][c], gain[1 + y][1 + x] * gradient);
      }
      gain_gradient[1 + y][1 + x] = sum_of_lanes(sum);
    }
}

// --- Evidence and answer ---------------------------------------------------------------

static const int STARTS[3] = {0, 4,
                              6}; // ten digits are three vectors, two of which overlap

// out[n][k] = bias[k] + sum over c of x[n][c] kernel[c][k]: dense_2 of each place
static void weigh(int places, const float x[places][CHANNELS], float out[places][DIGITS]) {
  for (int n = 0; n < places; n++) {
    Vector sums[3];
#pragma unroll
    for (int v = 0; v < 3; v++) sums[v] = load(&weights.dense_2_bias[STARTS[v]]);
    for (int c = 0; c < CHANNELS; c++)
#pragma unroll
      for (int v = 0; v < 3; v++)
        sums[v] += x[n][c] * load(&weights.dense_2_kernel[c][STARTS[v]]);
#pragma unroll
    for (int v = 0; v < 3; v++) store(&out[n][STARTS[v]], sums[v]);
  }
}

// x_gradient[n][c] += sum over k of out_gradient[n][k] kernel[c][k], and the gradients of
// kernel and bias, which are gathered with k before c so that vectors run along channels.
static void weigh_backward(int places, const float x[places][CHANNELS],
                           const float out_gradient[places][DIGITS],
                           float x_gradient[places][CHANNELS]) {
  float kernel[DIGITS][CHANNELS], kernel_gradient[DIGITS][CHANNELS] = {0};
  for (int k = 0; k < DIGITS; k++)
    for (int c = 0; c < CHANNELS; c++) kernel[k][c] = weights.dense_2_kernel[c][k];
  for (int n = 0; n < places; n++)
    for (int k = 0; k < DIGITS; k++) {
      float gradient = out_gradient[n][k];
      if (gradient == 0) continue; // as of all maps that are made without evidence
      weights_gradient.dense_2_bias[k] += gradient;
      for (int c = 0; c < CHANNELS; c += LANES) {
        add(&x_gradient[n][c], gradient * load(&kernel[k][c]));
        add(&kernel_gradient[k][c], gradient * load(&x[n][c]));
      }
    }
  for (int k = 0; k < DIGITS; k++)
    for (int c = 0; c < CHANNELS; c++)
      weights_gradient.dense_2_kernel[c][k] += kernel_gradient[k][c];
}

// dense_1 pads with two places on each side, and averages over these too.
static float places_of_average(void) {
  return (last.rows + 2 * PAD_2) * (last.cols + 2 * PAD_2);
}

// out[c] = sum over places of x[c] / places_of_average
static void average_places(int places, const float x[places][CHANNELS],
                           float out[CHANNELS]) {
  for (int c = 0; c < CHANNELS; c += LANES) {
    Vector sum = 0;
    for (int n = 0; n < places; n++) sum += load(&x[n][c]);
    store(&out[c], sum / places_of_average());
  }
}

// x_gradient[n][c] = out_gradient[c] / places_of_average at each place n
static void average_places_backward(int places, const float out_gradient[CHANNELS],
                                    float x_gradient[places][CHANNELS]) {
  for (int n = 0; n < places; n++)
    for (int c = 0; c < CHANNELS; c += LANES)
      store(&x_gradient[n][c], load(&out_gradient[c]) / places_of_average());
}

// logits of what conv_2 gave at either look; the softmax is in network.js
static void answer(const void* looked) {
  pool(last, map.rows, map.cols, looked, pool_2);
  normalise(last.rows, last.cols, 0, pool_2, normalised_2);
  average_places(last.rows * last.cols, normalised_2, average);
  weigh(1, (void*)average, (void*)logits);
}

// --- What network.js calls -------------------------------------------------------------

extern unsigned char __heap_base; // the linker's name for where free memory begins
static unsigned long free_memory;

// An array of zeros: memory that was never used holds nothing else.
static void* zeros(int count) {
  unsigned long from = free_memory;
  free_memory += (count * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  while (__builtin_wasm_memory_size(0) * WASM_PAGE < free_memory)
    __builtin_wasm_memory_grow(0, 1);
  return (void*)from;
}

static int half(int size) { return (size - 1) / 2; } // windows of three at stride two

// Makes room for a canvas. Called once, before all else.
EXPORT void setup(int rows, int cols) {
  canvas = (Size){rows, cols};
  pooled = (Size){half(rows), half(cols)};
  map = (Size){pooled.rows + 2, pooled.cols + 2};
  last = (Size){half(map.rows), half(map.cols)};
  int in_canvas = rows * cols, in_pooled = pooled.rows * pooled.cols;
  int in_map = map.rows * map.cols, in_last = last.rows * last.cols;
  int in_padded_map = (map.rows + 2) * (map.cols + 2);

  free_memory = (unsigned long)&__heap_base;
  image = zeros(in_canvas);
  features = zeros(in_map * CHANNELS);
  features_gradient = zeros(in_map * CHANNELS);
  evidence = zeros(in_map * DIGITS);
  evidence_gradient = zeros(in_map * DIGITS);
  gain = zeros(in_map);
  gain_gradient = zeros(in_map);
  padded_image = zeros((rows + 2) * (cols + 2));
  conv_1 = zeros(in_canvas * CHANNELS);
  conv_1_gradient = zeros(in_canvas * CHANNELS);
  pool_1 = zeros(in_pooled * CHANNELS);
  pool_1_gradient = zeros(in_pooled * CHANNELS);
  seen = zeros(in_padded_map * CHANNELS);
  seen_gradient = zeros(in_pooled * CHANNELS);
  attended = zeros(in_padded_map * CHANNELS);
  attended_gradient = zeros(in_pooled * CHANNELS);
  conv_2 = zeros(in_map * CHANNELS);
  conv_2_gradient = zeros(in_map * CHANNELS);
  pool_2 = zeros(in_last * CHANNELS);
  pool_2_gradient = zeros(in_last * CHANNELS);
  normalised_2 = zeros(in_last * CHANNELS);
  normalised_2_gradient = zeros(in_last * CHANNELS);
}

// From the image to what conv_2 looks at.
EXPORT void see(void) {
  pad_image(canvas.rows, canvas.cols, (void*)image, padded_image);
  convolve_image(canvas.rows, canvas.cols, padded_image, weights.conv_1_kernel, conv_1);
  add_bias_and_rectify(canvas.rows * canvas.cols, weights.conv_1_bias, conv_1);
  pool(pooled, canvas.rows, canvas.cols, conv_1, pool_1);
  normalise(pooled.rows, pooled.cols, PAD_2, pool_1, seen);
}

// The first look: from the image to its features and evidence.
EXPORT void look(void) {
  see();
  convolve(map.rows, map.cols, seen, weights.conv_2_kernel, (void*)features);
  add_bias_and_rectify(map.rows * map.cols, weights.conv_2_bias, (void*)features);
  weigh(map.rows * map.cols, (void*)features, (void*)evidence);
}

// The answer of a network without attention: that of the first look.
EXPORT void answer_at_once(void) { answer(features); }

// The second look, through the gain, and its answer.
EXPORT void look_again(void) {
  multiply_by_gain(pooled.rows, pooled.cols, (void*)gain, seen, attended);
  convolve(map.rows, map.cols, attended, weights.conv_2_kernel, conv_2);
  add_bias_and_rectify(map.rows * map.cols, weights.conv_2_bias, conv_2);
  answer(conv_2);
}

// Back through conv_2 at either look: adds to the gradients of its weights, and gives the
// gradient of its input without the padding.
static void conv_2_backward(const void* in, const void* out, void* out_gradient,
                            void* in_gradient) {
  static float turned[3][3][CHANNELS][CHANNELS];
  turn(weights.conv_2_kernel, turned);
  add_bias_and_rectify_backward(map.rows * map.cols, out, out_gradient,
                                weights_gradient.conv_2_bias);
  convolve_kernel_backward(pooled.rows, pooled.cols, in, out_gradient,
                           weights_gradient.conv_2_kernel);
  convolve(pooled.rows, pooled.cols, out_gradient, turned, in_gradient);
}

// From the gradient of the logits back to the gain and to what the second look saw. Makes
// room for the gradients that attention adds to features and evidence.
EXPORT void look_again_backward(void) {
  float average_gradient[CHANNELS] = {0};
  weigh_backward(1, (void*)average, (void*)logits_gradient, (void*)average_gradient);
  average_places_backward(last.rows * last.cols, average_gradient, normalised_2_gradient);
  normalise_backward(last.rows * last.cols, pool_2, normalised_2_gradient, pool_2_gradient);
  pool_backward(last, map.rows, map.cols, conv_2, pool_2, pool_2_gradient, conv_2_gradient);
  conv_2_backward(attended, conv_2, conv_2_gradient, attended_gradient);
  multiply_by_gain_backward(pooled.rows, pooled.cols, (void*)gain, seen, attended_gradient,
                            (void*)gain_gradient, seen_gradient);
  fill_with_zeros(features_gradient, map.rows * map.cols * CHANNELS);
  fill_with_zeros(evidence_gradient, map.rows * map.cols * DIGITS);
}

// From there, and, if `through_attention`, from the gradients that attention has added,
// back to the weights of the first look.
EXPORT void look_backward(int through_attention) {
  int in_pooled = pooled.rows * pooled.cols;
  if (through_attention) {
    weigh_backward(map.rows * map.cols, (void*)features, (void*)evidence_gradient,
                   (void*)features_gradient);
    float *first_gradient = attended_gradient, *both = seen_gradient;
    conv_2_backward(seen, features, features_gradient, first_gradient);
    for (int i = 0; i < in_pooled * CHANNELS; i += LANES)
      add(&both[i], load(&first_gradient[i]));
  }
  normalise_backward(in_pooled, pool_1, seen_gradient, pool_1_gradient);
  pool_backward(pooled, canvas.rows, canvas.cols, conv_1, pool_1, pool_1_gradient,
                conv_1_gradient);
  add_bias_and_rectify_backward(canvas.rows * canvas.cols, conv_1, conv_1_gradient,
                                weights_gradient.conv_1_bias);
  convolve_image_backward(canvas.rows, canvas.cols, padded_image, conv_1_gradient,
                          weights_gradient.conv_1_kernel);
}

// --- Optimisers, as Keras writes them --------------------------------------------------

enum { ALL_WEIGHTS = sizeof(Weights) / sizeof(float) };

// Forgets moments and gathered gradients, as before the first update.
EXPORT void forget(void) {
  fill_with_zeros((float*)moments, 2 * ALL_WEIGHTS);
  fill_with_zeros((float*)&weights_gradient, ALL_WEIGHTS);
}

// With g the mean gradient of a batch, gathered as a sum: m = momentum m - rate g, and
// with Nesterov's momentum w = w + momentum m - rate g.
EXPORT void update_by_sgd(int batch, float rate, float momentum) {
  float *w = (float*)&weights, *g = (float*)&weights_gradient, *m = (float*)moments;
  for (int i = 0; i < ALL_WEIGHTS; i += LANES) {
    Vector step = -rate * (load(&g[i]) / (float)batch);
    Vector memory = momentum * load(&m[i]) + step;
    store(&m[i], memory);
    add(&w[i], momentum * memory + step);
  }
  fill_with_zeros(g, ALL_WEIGHTS);
}

// m = m + 0.1 (g - m); v = v + 0.001 (g^2 - v); w = w - rate m / (sqrt(v) + 1e-7)
// (Kingma and Ba 2015; `rate` has their correction of the bias in it).
EXPORT void update_by_adam(int batch, float rate) {
  float *w = (float*)&weights, *g = (float*)&weights_gradient;
  float *m = (float*)&moments[0], *v = (float*)&moments[1];
  for (int i = 0; i < ALL_WEIGHTS; i += LANES) {
    Vector gradient = load(&g[i]) / (float)batch;
    Vector first = load(&m[i]) + 0.1f * (gradient - load(&m[i]));
    Vector second = load(&v[i]) + 0.001f * (gradient * gradient - load(&v[i]));
    store(&m[i], first);
    store(&v[i], second);
    add(&w[i], -rate * first / (root(second) + 1e-7f));
  }
  fill_with_zeros(g, ALL_WEIGHTS);
}
