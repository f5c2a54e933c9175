// Key presses: from the component itself, or from the page while nothing that takes text or keys has the focus.

import { el } from "./dom.js";

const TAKES_TEXT = "input:not([type=range]):not([type=checkbox]):not([type=radio]):not([type=button]),textarea,select,[contenteditable=true]";
const TAKES_KEYS = "button,a,input,summary,[role=button],[role=slider],[role=tab],[role=option],[role=combobox],[role=menuitem]";
const LED_HERE = "[data-testid=stMain],[data-testid=stApp],[data-testid=stHeader] *,[data-testid=stSidebar] *";
export const PRESSES = ["Enter", " ", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

// Streamlit sometimes takes a component away and draws it anew under the hand: presses in between are kept for it, for so
// many milliseconds.
const KEPT_FOR = 1500;
let between = null;

/** Call handle(event, inside) for presses that are ours; handle returns true when it used the press. store: names the view. */
export function listenKeys(root, store, handle) {
  const host = root.host || root;
  const listen = (event) => {
    if (!isOurs(event, host)) return;
    if (handle(event, event.composedPath().includes(host))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  };
  document.addEventListener("keydown", listen, true);
  const release = (event) => handle(event, event.composedPath().includes(host));
  document.addEventListener("keyup", release, true);
  const missed = between?.end(store) || [];
  queueMicrotask(() => missed.forEach((press) => document.body.dispatchEvent(new KeyboardEvent("keydown", press))));
  return () => {
    document.removeEventListener("keydown", listen, true);
    document.removeEventListener("keyup", release, true);
    between?.end();
    between = keepPresses(store, host);
  };
}

/** Whether nothing else takes a press: no text field, no control elsewhere on the page, no dialog. */
function isOurs(event, host) {
  if (event.isComposing || event.metaKey) return false;
  const target = event.composedPath()[0];
  const inside = event.composedPath().includes(host);
  const known = target instanceof Element ? target : document.body;
  if (known.matches(TAKES_TEXT)) return false;
  if (!inside && known.closest(TAKES_KEYS) && PRESSES.includes(event.key)) return false;
  return inside || !dialogOpen(host);
}

/** Keep the presses for a view that was taken away; end(store) gives them to the view of that name if it comes soon. */
function keepPresses(store, host) {
  const kept = [];
  const keep = (event) => { if (isOurs(event, host)) kept.push(event); };
  const end = (wanted) => {
    document.removeEventListener("keydown", keep, true);
    clearTimeout(timer);
    between = null;
    return wanted === store ? kept : [];
  };
  const timer = setTimeout(end, KEPT_FOR);
  document.addEventListener("keydown", keep, true);
  return { end };
}

function dialogOpen(host) {
  const dialog = document.querySelector("[role=dialog]");
  return dialog !== null && !dialog.contains(host);
}

/** Take the keyboard when the page opens, unless the person is already somewhere on it: the link that led here is not. */
export function takeFocus(node) {
  const active = document.activeElement;
  if (!active || active === document.body || active.matches(LED_HERE)) {
    node.focus({ preventScroll: true });
  }
}

/** The panel behind "?": [[keys, what they do], ...]. */
export function keyPanel(rows) {
  const body = rows.map(([keys, text]) => el("div", "row", null,
    el("span", "keys", null, ...keys.split(" ").map((key) => el("kbd", "", null, key))), el("span", "", null, text)));
  return el("div", "keypanel", { role: "note", "aria-label": "Keys", hidden: true }, ...body);
}
