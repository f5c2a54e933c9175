// Changing boxes: drag to draw, handles to resize; by keyboard arrows move and Shift + arrows resize.

import { placeBox } from "../../shared/boxes.js";
import { clamp, el } from "../../shared/dom.js";

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST_SIDE = 0.004;
const STEP = 0.01;
const FINE_STEP = 0.002;
export const SETTLE = 450;
const SKETCH = 0.3;
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const rounded = (value) => Math.round(value * 1e5) / 1e5;

function insidePicture(box) {
  const w = clamp(box.w, LEAST_SIDE, 1), h = clamp(box.h, LEAST_SIDE, 1);
  return { x: rounded(clamp(box.x, 0, 1 - w)), y: rounded(clamp(box.y, 0, 1 - h)), w: rounded(w), h: rounded(h) };
}

/** The box after dragging `handle` ("" moves it) by dx, dy in shares of the picture. */
function draggedBox(box, handle, dx, dy) {
  let left = box.x, top = box.y, right = box.x + box.w, bottom = box.y + box.h;
  if (!handle) return insidePicture({ x: left + dx, y: top + dy, w: box.w, h: box.h });
  if (handle.includes("w")) left = clamp(left + dx, 0, right - LEAST_SIDE);
  if (handle.includes("e")) right = clamp(right + dx, left + LEAST_SIDE, 1);
  if (handle.includes("n")) top = clamp(top + dy, 0, bottom - LEAST_SIDE);
  if (handle.includes("s")) bottom = clamp(bottom + dy, top + LEAST_SIDE, 1);
  return { x: rounded(left), y: rounded(top), w: rounded(right - left), h: rounded(bottom - top) };
}

/** The box after an arrow key: moved, or with Shift its right and lower edge moved. */
export function nudgedBox(box, event) {
  const step = event.ctrlKey ? FINE_STEP : STEP;
  const [x, y] = ARROWS[event.key];
  return draggedBox(box, event.shiftKey ? "es" : "", x * step, y * step);
}

function spanned(from, to) {
  const x = clamp(Math.min(from.x, to.x), 0, 1), y = clamp(Math.min(from.y, to.y), 0, 1);
  const right = clamp(Math.max(from.x, to.x), 0, 1), bottom = clamp(Math.max(from.y, to.y), 0, 1);
  return { x: rounded(x), y: rounded(y), w: rounded(right - x), h: rounded(bottom - y) };
}

/** Mouse work on the stage. The owner gives boxAt(id), select(id), draft(id, box), settle(), keepDrawn(box). */
export class Edit {
  constructor(stage, owner) {
    this.stage = stage;
    this.owner = owner;
    this.drawing = false;
    this.ghost = el("div", "box ghost", { hidden: true });
    stage.node.addEventListener("pointerdown", (event) => this.down(event));
    stage.node.addEventListener("pointermove", (event) => this.moved(event));
    stage.node.addEventListener("pointerup", (event) => this.up(event));
    stage.node.addEventListener("pointercancel", () => this.cancel());
  }

  setDrawing(on) {
    this.drawing = on;
    this.sketch = null;
    this.ghost.hidden = true;
    this.stage.node.classList.toggle("drawing", on);
    this.stage.layer.append(this.ghost);
  }

  /** Draw without a mouse: a box in the middle of what is seen, to be moved with the arrows until it is kept. */
  sketchKey(event) {
    if (event.key === "Escape") return this.setDrawing(false);
    const keep = event.key === "Enter" && this.sketch;
    if (keep) {
      this.setDrawing(false);
      return this.owner.keepDrawn(keep);
    }
    if (event.key !== "Enter" && !ARROWS[event.key]) return this.owner.say("Enter keeps the new box, Esc drops it.");
    const middle = this.stage.seenMiddle(), side = SKETCH / this.stage.zoom;
    const [x, y] = [middle.x, middle.y].map((at) => Math.round((at - side / 2) / FINE_STEP) * FINE_STEP);
    this.sketch = this.sketch ? nudgedBox(this.sketch, event) : insidePicture({ x, y, w: side, h: side });
    this.ghost.hidden = false;
    placeBox(this.ghost, this.sketch);
    return this.owner.say("Arrows move it, Shift + arrows resize it, Enter keeps it.");
  }

  down(event) {
    if (event.button !== 0) return;
    const at = this.stage.share(event.clientX, event.clientY);
    const hit = event.target.closest("[data-box]");
    this.drag = { from: at, x: event.clientX, y: event.clientY, far: false };
    if (this.drawing) this.drag.kind = "draw";
    else if (hit && this.stage.drawn && (event.target.dataset.handle || hit.classList.contains("selected"))) {
      Object.assign(this.drag, { kind: "box", id: hit.dataset.box, handle: event.target.dataset.handle || "", start: this.owner.boxAt(hit.dataset.box) });
    } else Object.assign(this.drag, { kind: "pan", id: hit?.dataset.box });
    this.stage.node.setPointerCapture(event.pointerId);
    this.stage.node.focus({ preventScroll: true });
  }

  moved(event) {
    const drag = this.drag;
    if (!drag) return;
    drag.far = drag.far || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 3;
    if (!drag.far) return;
    const at = this.stage.share(event.clientX, event.clientY);
    if (drag.kind === "draw") {
      this.ghost.hidden = false;
      placeBox(this.ghost, spanned(drag.from, at));
    } else if (drag.kind === "box") {
      this.owner.draft(drag.id, draggedBox(drag.start, drag.handle, at.x - drag.from.x, at.y - drag.from.y));
    } else {
      this.stage.panBy(event.clientX - drag.x, event.clientY - drag.y);
      Object.assign(drag, { x: event.clientX, y: event.clientY });
    }
  }

  up(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    const box = spanned(drag.from, this.stage.share(event.clientX, event.clientY));
    if (drag.kind === "draw" && box.w >= LEAST_SIDE && box.h >= LEAST_SIDE) this.owner.keepDrawn(box);
    else if (drag.kind === "box" && drag.far) this.owner.settle();
    else if (drag.kind === "pan" && !drag.far) this.owner.select(drag.id || null);
    this.ghost.hidden = true;
    if (drag.kind === "draw") this.setDrawing(false);
  }

  cancel() {
    this.drag = null;
    this.ghost.hidden = true;
  }
}
