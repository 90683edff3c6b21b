// What a reader takes from an explorer: a link that opens the same picture, and files.
//
// A link's fragment is #explorer=1:display;noise_level=80;digit=7: a version, the id of an
// explorer, and the values that differ from its first ones. What a page cannot take from a link
// is named in the status line, and the rest is taken. A view adds what no control holds to
// `explorer.linked`: { name: { get: () => text, set: (text) => whether it was taken } }.
import { element, stepped } from "./controls.js";
import { theme, write } from "./drawing.js";

const LINK_VERSION = "1";
const LINK_MARK = "#explorer=";
const LONGEST = 4000; // characters of a value in a link
const LINE_HEIGHT = 18; // pixels, of the words below a saved picture

// The id of an explorer: its name, with a number from the second of this name in a page on.
export function idOf(root) {
  const { name } = root.dataset;
  const place = [...document.querySelectorAll(`.explorer[data-name="${name}"]`)].indexOf(root);
  return place > 0 ? `${name}-${place + 1}` : name;
}

// What the page's address asks of an explorer: { values: Map of texts, refused: [words] }; null
// if it asks nothing. Where the page lacks the right explorer, the first one answers.
export function askedOf(root) {
  if (!location.hash.startsWith(LINK_MARK)) return null;
  const [head, ...parts] = location.hash.slice(LINK_MARK.length).split(";");
  const [version, id = ""] = head.split(":");
  const all = [...document.querySelectorAll(".explorer[data-name]")];
  const found = all.find((each) => idOf(each) === id);
  if ((found ?? all[0]) !== root) return null;
  const refused = [];
  if (version !== LINK_VERSION) refused.push(`version "${version}" (not ${LINK_VERSION})`);
  else if (!found) refused.push(`explorer "${id}", which this page does not have`);
  return { values: new Map(new URLSearchParams(refused.length ? "" : parts.join("&"))), refused };
}

// Of the buttons, only "fresh_draw" decides the picture by how often it was pressed.
const isLinked = ({ kind, name }) =>
  kind === "slider" || kind === "select" || name === "fresh_draw";

// Gives the controls what a link asks for, before the view starts.
export function setControls(controls, { values, refused }) {
  for (const { name, kind, ...control } of Object.values(controls.all).filter(isLinked)) {
    const text = values.get(name);
    if (!values.delete(name)) continue;
    const { options, min = 0, max = 1e6, step = 1, decimals = 0 } = control;
    const number = text.trim() ? Number(text) : NaN;
    const option = options?.find(([, value]) => `${value}` === text);
    if (option) controls.put(name, option[1]);
    else if (kind !== "select" && number >= min && number <= max) {
      controls.put(name, stepped({ min, max, step, decimals }, number));
    } else refused.push(`${name}=${text}${options ? "" : ` (not from ${min} to ${max})`}`);
  }
}

// Gives the view the rest of a link, once it has started; returns what to say of it.
export function setLinked(linked, { values, refused }) {
  for (const [name, text] of values) {
    if (!linked[name]?.set?.(text)) refused.push(`${name}=${text}`);
  }
  return refused.length ? `Of the link, this is refused: ${refused.join("; ")}` : "";
}

// The values that make the picture, by name.
function valuesOf({ controls, description, linked }) {
  const values = new URLSearchParams();
  for (const { name, value, by = {} } of description.columns.flat()) {
    const control = controls.all[name];
    const follows = Object.keys(by).some((other) => values.has(other));
    if (isLinked(control) && (follows || control.value !== value)) values.set(name, control.value);
  }
  for (const [name, { get }] of Object.entries(linked)) if (get()) values.set(name, get());
  return values;
}

const named = ({ id }, values) => [id, ...`${values}`.split("&")].filter(Boolean).join(";");

async function copyLink(explorer) {
  const values = valuesOf(explorer);
  const long = [...values.keys()].find((name) => values.get(name).length > LONGEST);
  values.delete(long);
  const url = new URL(location.href);
  url.hash = `${LINK_MARK}${LINK_VERSION}:${named(explorer, values)}`;
  const without = long ? `, without the ${long}, which is too long for it` : "";
  try {
    await navigator.clipboard.writeText(url.href);
    explorer.say(`The link to this picture is copied${without}`);
  } catch {
    explorer.say(`This browser does not let the page copy. The link${without} is ${url.href}`);
  }
}

// Gives the reader a file, which is named after the explorer and its values.
export function saveFile(explorer, content, ending) {
  const name = named(explorer, valuesOf(explorer)).slice(0, 120);
  const link = element(document.body, "a");
  link.href = URL.createObjectURL(content);
  link.download = `${name.replaceAll(";", "-")}.${ending}`;
  link.click();
  link.remove();
}

// Saves the picture at twice the resolution, with the words of the status line below it.
async function savePicture(explorer) {
  const { layout, state } = explorer;
  if (!state) return; // it has failed to start, and says so
  const [width, height] = layout.size;
  const lines = state.words.match(new RegExp(`.{1,${Math.floor(width / 7)}}(\\s|$)`, "g"));
  const sheet = new OffscreenCanvas(2 * width, 2 * (height + LINE_HEIGHT * (lines.length + 1)));
  const context = sheet.getContext("2d");
  context.scale(2, 2);
  context.fillStyle = theme.paper;
  context.fillRect(0, height, width, sheet.height);
  explorer.paint(context);
  lines.forEach((each, i) => write(context, each, LINE_HEIGHT, height + LINE_HEIGHT * (i + 1)));
  explorer.draw(); // puts a handle back to where it is on the page
  saveFile(explorer, await sheet.convertToBlob(), "png");
}

// Puts buttons below the picture. JupyterLab's address is not that of a page, so it has no link.
export function addButtons(explorer, isPage) {
  explorer.foot = element(explorer.main.parentElement, "div", "explorer-foot");
  if (isPage) addButton(explorer, "Copy link", () => copyLink(explorer));
  addButton(explorer, "Save picture", () => savePicture(explorer));
}

export function addButton({ foot }, words, press) {
  const button = element(foot, "button", "", words);
  button.type = "button";
  button.addEventListener("click", press);
  return button;
}
