// The stage: one picture fitted into the space there is, zoomed about a point and moved by dragging.

import { spreadChips } from "../../shared/chips.js";
import { clamp, el } from "../../shared/dom.js";
import { isDrawn } from "../../shared/held.js";

export const ZOOM_STEP = 1.25;
const MOST_ZOOM = 16;

export class Stage {
  constructor() {
    this.picture = el("img", "picture", { alt: "", draggable: false });
    this.layer = el("div", "layer", null);
    this.frame = el("div", "frame", null, this.picture, this.layer);
    this.node = el("div", "stage", { tabIndex: 0, role: "application", "aria-label": "Media" }, this.frame);
    this.zoom = 1;
    this.middle = { x: 0.5, y: 0.5 };
    this.node.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.node);
  }

  /** Whether the picture is there, or is known not to come. */
  get drawn() { return isDrawn(this.picture) || this.node.classList.contains("broken"); }

  show(media) {
    this.media = media;
    this.zoom = 1;
    this.middle = { x: 0.5, y: 0.5 };
    this.load(media.src);
    this.picture.alt = media.title || "media";
    this.place();
  }

  load(src) {
    if (this.picture.getAttribute("src") === src) return;
    this.picture.onload = () => this.node.classList.remove("loading");
    this.picture.onerror = () => {
      this.node.classList.remove("loading");
      this.node.classList.add("broken");
    };
    this.node.classList.remove("broken");
    this.picture.src = src;
    this.node.classList.toggle("loading", !this.picture.complete);
  }

  /** Size and put the frame: fit to the stage, times the zoom, with `middle` as near to the stage's middle as can be. */
  place() {
    if (!this.media) return;
    const wide = this.node.clientWidth, high = this.node.clientHeight;
    const fit = Math.min(wide / this.media.w, high / this.media.h) * this.zoom;
    const w = this.media.w * fit, h = this.media.h * fit;
    this.size = { w, h };
    this.spread();
    const half = (stage, frame, middle) => (frame <= stage ? (stage - frame) / 2 : clamp(stage / 2 - middle * frame, stage - frame, 0));
    Object.assign(this.frame.style, { width: `${w}px`, height: `${h}px`, left: `${half(wide, w, this.middle.x)}px`, top: `${half(high, h, this.middle.y)}px` });
  }

  /** Let no label of a box cover another. */
  spread() {
    cancelAnimationFrame(this.spreading);
    this.spreading = requestAnimationFrame(() => spreadChips([this.frame]));
  }

  /** Zoom so that the picture's point under (x, y) of the window stays there. */
  zoomAt(factor, x, y) {
    const next = clamp(this.zoom * factor, 1, MOST_ZOOM);
    const spot = this.share(x, y);
    const stage = this.node.getBoundingClientRect();
    const grown = next / this.zoom;
    this.zoom = next;
    this.middle = {
      x: spot.x + (stage.left + stage.width / 2 - x) / (this.size.w * grown),
      y: spot.y + (stage.top + stage.height / 2 - y) / (this.size.h * grown),
    };
    this.middle.x = clamp(this.middle.x, 0, 1);
    this.middle.y = clamp(this.middle.y, 0, 1);
    this.place();
  }

  zoomMiddle(factor) {
    const stage = this.node.getBoundingClientRect();
    this.zoomAt(factor, stage.left + stage.width / 2, stage.top + stage.height / 2);
  }

  wheel(event) {
    if (!event.ctrlKey && this.zoom === 1 && event.deltaY > 0) return;
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }

  panBy(x, y) {
    this.middle.x = clamp(this.middle.x - x / this.size.w, 0, 1);
    this.middle.y = clamp(this.middle.y - y / this.size.h, 0, 1);
    this.place();
  }

  /** The middle of what is seen, as shares of the picture. */
  seenMiddle() {
    const stage = this.node.getBoundingClientRect();
    return this.share(stage.left + stage.width / 2, stage.top + stage.height / 2);
  }

  /** A point of the window as shares of the picture. */
  share(x, y) {
    const frame = this.frame.getBoundingClientRect();
    return { x: (x - frame.left) / frame.width, y: (y - frame.top) / frame.height };
  }

  close() {
    this.watch.disconnect();
  }
}
