// Elements, instances and small formats. Text always goes in as text, never as HTML.

const living = new WeakMap();

/**
 * Keep one view per mounted component: Streamlit calls the default export again for every new `data`. It also ends a call
 * that newer data overtook while the script still loaded, though the component stays: only who left the page is closed.
 */
export function mount(component, create) {
  const root = component.parentElement;
  let view = living.get(root);
  if (!view) {
    view = create(root, component.data);
    living.set(root, view);
  }
  view.send = component.setStateValue;
  view.update(component.data || {});
  return () => {
    if (root.isConnected) return;
    view.close();
    living.delete(root);
  };
}

/** el("div", "cls cls2", {attr: value, onclick: fn}, child, "text") */
export function el(tag, classes, attributes, ...children) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/** A picture that asks again while it is not there: the worker cuts a crop a moment after its box was placed. */
export function picture(attributes, classes) {
  const image = el("img", classes || "", { alt: "", draggable: false, ...attributes });
  let asked = "", tries = 0;
  image.addEventListener("load", () => image.classList.remove("coming", "loading"));
  image.addEventListener("error", () => {
    const src = (image.getAttribute("src") || "").replace(/&again=\d+$/, "");
    if (!src) return;
    image.classList.add("coming");
    tries = src === asked ? tries + 1 : 1;
    asked = src;
    if (tries <= 20) setTimeout(() => { if (image.getAttribute("src")?.startsWith(src)) image.src = `${src}&again=${tries}`; }, 500 * tries);
  });
  return image;
}

/** Show another picture in the place of one; until it is there neither is. */
export function turnTo(image, src) {
  image.src = src;
  image.classList.toggle("loading", !image.complete);
}

/** A real button whose key is shown in small caps. */
export function keyButton(label, key, onclick, classes) {
  const button = el("button", `button ${classes || ""}`, { type: "button", onclick, "aria-keyshortcuts": key || null },
    el("span", "word", null, label), key ? el("kbd", "", { "aria-hidden": "true" }, key) : null);
  return button;
}

/** Say something in a line that is hidden else, for a moment. */
export function sayIn(note, text) {
  note.textContent = text;
  note.hidden = false;
  clearTimeout(note.timer);
  note.timer = setTimeout(() => { note.hidden = true; }, 1800);
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function count(number, singular, plural) {
  return `${number.toLocaleString("en")} ${number === 1 ? singular : plural || singular + "s"}`;
}

/** .87, 1.0 or nothing: how confidences are written on a picture. */
export function score(value) {
  if (value === null || value === undefined) return "";
  return value >= 0.995 ? "1.0" : value.toFixed(2).slice(1);
}

/** crypto.randomUUID is missing where the page is not served over https. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Tells what the script says anew from what it only repeats of our own messages, which may already be old. */
export class Echo {
  constructor() {
    this.sent = [];
    this.given = undefined;
  }

  note(value) {
    this.sent.push(JSON.stringify(value));
  }

  fresh(value) {
    const text = JSON.stringify(value);
    if (text === this.given) return false;
    this.given = text;
    const place = this.sent.indexOf(text);
    if (place >= 0) this.sent.splice(0, place + 1);
    return place < 0;
  }
}
