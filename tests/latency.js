// Records what a hand does to an explorer, `root`, and each frame in which its picture differs.
root => {
  const canvas = root.querySelector(".explorer-image canvas");
  const status = root.querySelector(".explorer-status");
  const ended = new AbortController();
  const record = { events: [], frames: [], blank: 0, places: new Set(), ended };
  window.record = record;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const look = () => {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const words = new Uint32Array(data.buffer);
    let [sum, differs] = [0, 0];
    for (let i = 0; i < words.length; i++) {
      sum = (Math.imul(sum, 31) + words[i]) | 0;
      differs |= words[i] ^ words[0];
    }
    record.blank += differs === 0;
    const { width, height } = root.getBoundingClientRect();
    record.places.add(`${width} x ${height}`);
    return sum;
  };
  let last = look();
  const after = new MessageChannel(); // its message comes once the frame is drawn
  after.port1.onmessage = () => {
    const t = performance.now(), sum = look();
    if (sum === last) return;
    last = sum;
    record.frames.push({ t, status: status.textContent });
    record.heard?.();
  };
  const tick = () => {
    if (ended.signal.aborted) return;
    after.port2.postMessage(0);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  for (const type of ["keydown", "change", "click", "pointermove", "pointerup"]) {
    document.addEventListener(type, (event) => {
      const t = event.timeStamp;
      setTimeout(() => { // once the slider has taken it in
        const number = root.querySelector(window.slider + " .explorer-number");
        record.events.push({ t, type, value: parseFloat(number?.value) });
      });
    }, { capture: true, signal: ended.signal });
  }
}
