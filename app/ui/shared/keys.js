// Key presses: from the component itself, or from the page while nothing that takes text or keys has the focus.

import { el } from "./dom.js";

const TAKES_TEXT = "input:not([type=range]):not([type=checkbox]):not([type=radio]):not([type=button]),textarea,select,[contenteditable=true]";
const TAKES_KEYS = "button,a,input,summary,[role=button],[role=slider],[role=tab],[role=option],[role=combobox],[role=menuitem]";
const LED_HERE = "[data-testid=stMain],[data-testid=stApp],[data-testid=stHeader] *,[data-testid=stSidebar] *";
export const PRESSES = ["Enter", " ", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

/** Call handle(event, inside) for presses that are ours; handle returns true when it used the press. */
export function listenKeys(root, handle) {
  const host = root.host || root;
  const listen = (event) => {
    if (event.isComposing || event.metaKey) return;
    const target = event.composedPath()[0];
    const inside = event.composedPath().includes(host);
    const known = target instanceof Element ? target : document.body;
    if (known.matches(TAKES_TEXT)) return;
    if (!inside && known.closest(TAKES_KEYS) && PRESSES.includes(event.key)) return;
    if (!inside && dialogOpen(host)) return;
    if (handle(event, inside)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  };
  document.addEventListener("keydown", listen, true);
  const release = (event) => handle(event, event.composedPath().includes(host));
  document.addEventListener("keyup", release, true);
  return () => {
    document.removeEventListener("keydown", listen, true);
    document.removeEventListener("keyup", release, true);
  };
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
