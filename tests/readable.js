// Checks of a page, for the tests of the site.

// What is wrong with it for someone who cannot see it, or has a keyboard alone.
function unreadable() {
  const wrong = [];
  const named = (e) => e.getAttribute("aria-label") || e.labels?.[0]?.textContent
    || e.closest("label") || (e.tagName === "BUTTON" && e.textContent);
  for (const e of document.querySelectorAll("img")) {
    if (!e.alt || e.alt.startsWith("No description")) wrong.push("an image without words");
  }
  for (const e of document.querySelectorAll("input, select, button, [role=textbox]")) {
    if (!named(e)) wrong.push(`no label: ${e.outerHTML.slice(0, 90)}`);
  }
  for (const e of document.querySelectorAll("canvas")) {
    if (!e.ariaLabel) wrong.push("a canvas without words");
  }
  for (const e of document.querySelectorAll(".explorer-status")) {
    if (e.getAttribute("role") !== "status") wrong.push("a status that is not read");
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((e) => +e.tagName[1]);
  if (levels[0] !== 1 || levels.filter((each) => each === 1).length !== 1) {
    wrong.push(`not one title, first: ${levels}`);
  }
  levels.forEach((each, i) => {
    if (i && each > levels[i - 1] + 1) wrong.push(`a heading of level ${each} too deep`);
  });
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main part");
  return wrong;
}

// Text that stands out too little from what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1).
function faint() {
  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = rgb(colour).map((x) => (x /= 255) <= 0.03928
      ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    while (e.parentElement && (rgb(getComputedStyle(e).backgroundColor)[3] ?? 1) === 0) {
      e = e.parentElement;
    }
    return getComputedStyle(e).backgroundColor;
  };
  const faint = new Set();
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || e.closest("script, style, option, .explorer-off")) continue;
    const { color } = getComputedStyle(e);
    const [low, high] = [luminance(color), luminance(behind(e))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.add(`${e.tagName}.${e.className}: ${contrast.toFixed(1)}`);
  }
  return [...faint];
}

// How wide the page is, if that is wider than its window, and what sticks out of it.
function wide() {
  const [room, { scrollWidth }] = [innerWidth, document.documentElement];
  if (scrollWidth <= room) return [];
  const moves = (e) => e && (getComputedStyle(e).overflowX === "auto" || moves(e.parentElement));
  const out = [...document.querySelectorAll("body *")].filter(
    (e) => e.getBoundingClientRect().right > room && !moves(e),
  );
  return [scrollWidth, ...out.map((e) => `${e.tagName}.${e.className}`)];
}
