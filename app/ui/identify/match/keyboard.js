// What each key does on Identify.

export const FLANKS = { 1: "left", 2: "right", 3: "other", 4: "unknown" };
const NAMED_KEYS = {
  Enter: "same", x: "different", u: "unsure", n: "new", i: "unidentifiable", w: "identity unsure", z: "undo", v: "toggle", p: "pair", l: "lines", h: "heat", b: "masked", m: "other", c: "sheet", s: "alone",
  j: "next", k: "previous", ArrowDown: "next", ArrowUp: "previous", ",": "before", ".": "after", o: "turn", f: "mirror", "?": "help",
};

/** Handle one press for a match view; true when it was used. */
export function pressMatch(match, event, inside) {
  if (event.type === "keyup" || event.ctrlKey || event.altKey) return false;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (match.conflict.now) return match.conflict.press(key);
  const target = event.composedPath()[0];
  if (inside && target.closest?.("button,input") && (["Enter", " ", "Tab"].includes(key) || (target.matches("input") && key.startsWith("Arrow")))) return false;
  if (NAMED_KEYS[key]) match.act(NAMED_KEYS[key]);
  else if (key === "ArrowLeft" || key === "ArrowRight") match.step(key === "ArrowRight" ? 1 : -1);
  else if (FLANKS[key]) match.setFlank(FLANKS[key]);
  else if (key === "+" || key === "=") match.pair.zoomBy(1.25);
  else if (key === "-") match.pair.zoomBy(0.8);
  else if (key === "0") match.pair.reset();
  else if (key === "Escape" && !match.help.hidden) match.help.hidden = true;
  else if (key === "Escape" && match.sheet.open) match.act("sheet");
  else return false;
  return true;
}
