// What each key does in the viewer.

import { CATEGORIES } from "../../shared/boxes.js";
import { ARROWS } from "./edit.js";
import { ZOOM_STEP } from "./stage.js";

const NAMED = { Enter: "accept", a: "accept", b: "blank", u: "unsure", x: "reject", Delete: "reject", Backspace: "reject", d: "draw", m: "move",
  l: "species", t: "hint", w: "whole", z: "undo", y: "redo", p: "people", c: "compare", "?": "help" };

/** Handle one press for a viewer; true when it was used. */
export function pressViewer(viewer, event, inside) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "h" && !event.ctrlKey) { viewer.node.classList.toggle("bare", event.type === "keydown"); return event.type === "keydown"; }
  if (event.type === "keyup" || !viewer.current) return false;
  const onButton = inside && event.composedPath()[0].closest?.("button");
  if (onButton && ["Enter", " ", "Tab"].includes(key)) return false;
  if (event.altKey) return false;
  if (viewer.edit.drawing && ["Enter", "Escape", "Tab", ...Object.keys(ARROWS)].includes(key)) { viewer.edit.sketchKey(event); return true; }
  if (key in ARROWS) return pressArrow(viewer, event);
  if (event.ctrlKey && key !== "z" && key !== "y") return false;
  if (viewer.edit.sketch && !CATEGORIES[key]) { viewer.edit.sketchKey(event); return true; }
  if (viewer.moving && ["Enter", "Escape"].includes(key)) { viewer.setMoving(false); return true; }
  if (key === "Tab") return viewer.cycle(event.shiftKey);
  if (key === "Escape") return viewer.escape();
  if (key === "z" && event.shiftKey) viewer.act("redo");
  else if (NAMED[key]) viewer.act(NAMED[key]);
  else if (CATEGORIES[key]) viewer.setCategory(CATEGORIES[key]);
  else if (key === "+" || key === "=") viewer.stage.zoomMiddle(ZOOM_STEP);
  else if (key === "-") viewer.stage.zoomMiddle(1 / ZOOM_STEP);
  else if (key === "0") viewer.stage.show(viewer.current);
  else return false;
  return true;
}

function pressArrow(viewer, event) {
  if (event.shiftKey || viewer.moving) return viewer.nudge(event);
  if (event.ctrlKey) return false;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") viewer.go(event.key === "ArrowRight" ? 1 : -1);
  else if (viewer.stage.zoom > 1) viewer.stage.panBy(0, event.key === "ArrowDown" ? -60 : 60);
  else return false;
  return true;
}
