// What bench.py calls in a page, after the network's own scripts.
window.networks = {};
window.make = async (kind, { wasm, weights, images, labels }) => {
  const network = await Network.create(await compileNetwork(wasm), {
    rows: 28, cols: 28, weights: floatsOf(weights),
  });
  networks[kind] = { network, labels, images: Float32Array.from(bytesOf(images)) };
};
window.go = (kind) => {
  const { network, images, labels } = networks[kind];
  labels.forEach((label, i) => {
    network.look(images.subarray(784 * i, 784 * (i + 1)), kind);
    network.attend(kind, {});
    network.answer();
    network.addGradients(label);
    network.update({ learning_rate: 0.01, momentum: 0.5 });
  });
};
