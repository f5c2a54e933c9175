// Query and candidate side by side: one zoom, one position, one turn, one brightness, one view for both.

import { clamp, el, picture, score, turnTo } from "../../shared/dom.js";
import { paintHeat, paintMask } from "./heat.js";
import { Lines } from "./lines.js";

export class Pair {
  constructor() {
    Object.assign(this, { zoom: 1, x: 0, y: 0, turn: 0, flipped: false, masked: false, view: "pair" });
    this.query = this.side("Query");
    this.candidate = this.side("Candidate");
    const range = (label, attributes) => el("input", "slider", { type: "range", "aria-label": label, oninput: () => this.place(), ...attributes });
    this.brightness = range("Brightness of both", { min: "0.5", max: "2.5", step: "0.05", value: "1" });
    this.opacity = range("Opacity of the heat map", { min: "0", max: "1", step: "0.05", value: "0.6" });
    this.lines = new Lines();
    this.node = el("div", "pair", null, this.query.node, this.candidate.node, this.lines.node);
    this.opacityBox = el("label", "", { hidden: true }, "Heat ", this.opacity);
    this.tools = el("div", "tools faint", null, this.opacityBox, el("label", "", null, "Brightness ", this.brightness), this.zoomText = el("span", "", null, ""));
    this.node.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.node.addEventListener("pointerdown", (event) => this.down(event));
    this.node.addEventListener("pointermove", (event) => this.moved(event));
    this.node.addEventListener("pointerup", () => { this.drag = null; });
    this.node.addEventListener("dblclick", () => this.reset());
    for (const { picture } of [this.query, this.candidate]) picture.addEventListener("load", () => this.place());
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(this.node);
  }

  side(word) {
    const shot = picture();
    const name = el("span", "name", null, ""), facts = el("span", "facts faint", null, "");
    const mask = el("canvas", "layer mask", { hidden: true }), heat = el("canvas", "layer heat", { hidden: true });
    const content = el("div", "content", null, shot, heat, mask);
    const view = el("div", "view", null, content);
    return { node: el("figure", "side", null, el("figcaption", "", null, el("span", "word", null, word), name, facts), view), picture: shot, name, facts, view, content, mask, heat };
  }

  show(query, candidate, evidence) {
    this.put(this.query, query, query.decided || "");
    this.put(this.candidate, candidate, candidate ? candidate.name || "not named" : "none");
    this.lines.points = evidence || [];
    this.painted = null;
    this.place();
  }

  put(side, crop, name) {
    side.view.classList.toggle("none", !crop);
    side.name.textContent = [name, score(crop?.probability)].join(" ").trim();
    side.facts.textContent = crop ? [flankWord(crop.flank), ...(crop.facts || []), ...(crop.quality || [])].join(" · ") : "";
    side.facts.title = side.facts.textContent;
    side.picture.alt = crop ? name || "query crop" : "";
    if (crop && side.src !== crop.src) turnTo(side.picture, crop.src);
    if (!crop) side.picture.removeAttribute("src");
    side.src = crop?.src;
    if (side.painted !== (crop?.mask || "")) paintMask(side.mask, crop?.mask);
    side.painted = crop?.mask || "";
  }

  paint() {
    if (this.painted === this.masked) return;
    this.painted = this.masked;
    const counted = this.lines.points.filter(([, , , , , kind = 0]) => kind === 0 || (kind === 1 && !this.masked));
    paintHeat(this.query.heat, counted.map(([x, y, , , weight = 1]) => [x, y, weight]));
    paintHeat(this.candidate.heat, counted.map(([, , x, y, weight = 1]) => [x, y, weight]));
  }

  place() {
    this.lines.shown = this.view === "lines";
    this.lines.masked = this.masked;
    this.opacityBox.hidden = this.view !== "heat";
    if (this.view === "heat") this.paint();
    for (const side of [this.query, this.candidate]) {
      this.fit(side);
      side.picture.style.filter = `brightness(${this.brightness.value})`;
      side.heat.hidden = this.view !== "heat";
      side.heat.style.opacity = this.opacity.value;
      side.mask.hidden = !this.masked;
    }
    this.zoomText.textContent = this.zoom > 1 ? `${this.zoom.toFixed(1)} x, double click or 0 fits` : "";
    this.node.classList.toggle("zoomed", this.zoom > 1);
    this.lines.draw(this);
  }

  /** Lay a picture into its view: as large as fits, then zoomed, moved, turned and mirrored like the other. */
  fit(side) {
    const { clientWidth: wide, clientHeight: high } = side.view, { naturalWidth: w, naturalHeight: h } = side.picture;
    if (!w || !wide) return;
    const across = this.turn % 180 !== 0, scale = Math.min(wide / (across ? h : w), high / (across ? w : h));
    side.scale = scale;
    Object.assign(side.content.style, { width: `${w * scale}px`, height: `${h * scale}px`, left: `${(wide - w * scale) / 2}px`, top: `${(high - h * scale) / 2}px` });
    side.content.style.transform = `translate(${this.zoom * this.x * wide}px, ${this.zoom * this.y * high}px) scale(${this.zoom}) rotate(${this.turn}deg) scaleX(${this.flipped ? -1 : 1})`;
  }

  /** Where a point of a crop lies over the pair, or null when it is outside of what is shown. */
  spot(side, x, y, whole) {
    const box = side.view.getBoundingClientRect(), { naturalWidth: w, naturalHeight: h } = side.picture;
    if (!w || !side.scale) return null;
    const across = (x - 0.5) * w * side.scale * (this.flipped ? -1 : 1), down = (y - 0.5) * h * side.scale;
    const angle = (this.turn * Math.PI) / 180, cos = Math.cos(angle), sin = Math.sin(angle);
    const inView = {
      x: box.width / 2 + this.zoom * (across * cos - down * sin + this.x * box.width),
      y: box.height / 2 + this.zoom * (across * sin + down * cos + this.y * box.height),
    };
    if (inView.x < 0 || inView.y < 0 || inView.x > box.width || inView.y > box.height) return null;
    return { x: box.left - whole.left + inView.x, y: box.top - whole.top + inView.y };
  }

  zoomBy(factor, x = 0, y = 0) {
    const next = clamp(this.zoom * factor, 1, 12);
    this.x += x / next - x / this.zoom;
    this.y += y / next - y / this.zoom;
    this.zoom = next;
    this.hold();
    this.place();
  }

  hold() {
    const most = (1 - 1 / this.zoom) / 2;
    this.x = clamp(this.x, -most, most);
    this.y = clamp(this.y, -most, most);
  }

  wheel(event) {
    if (this.zoom === 1 && event.deltaY > 0) return;
    const view = event.target.closest(".view");
    if (!view) return;
    event.preventDefault();
    const box = view.getBoundingClientRect();
    this.zoomBy(Math.exp(-event.deltaY / 300), (event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5);
  }

  down(event) {
    if (event.button !== 0 || this.zoom === 1) return;
    this.drag = { x: event.clientX, y: event.clientY };
    this.node.setPointerCapture(event.pointerId);
  }

  moved(event) {
    if (!this.drag) return;
    const box = this.query.view.getBoundingClientRect();
    this.x += (event.clientX - this.drag.x) / box.width / this.zoom;
    this.y += (event.clientY - this.drag.y) / box.height / this.zoom;
    this.drag = { x: event.clientX, y: event.clientY };
    this.hold();
    this.place();
  }

  /** Fit again; brightness and view stay for the next pair, turn and mirror only within this one. */
  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0, turn: 0, flipped: false });
    this.place();
  }

  turnBy(degrees) {
    this.turn = (this.turn + degrees) % 360;
    this.place();
  }
}

export function flankWord(flank) {
  return { left: "left flank", right: "right flank", other: "other side", unknown: "flank not known" }[flank] || "flank not known";
}

/** Lines with places in shares; the survey keeps thousandths. */
export function scaled(evidence) {
  if (!evidence?.lines) return [];
  return evidence.whole === undefined ? evidence.lines : evidence.lines.map(([a, b, c, d, weight, kind]) => [a / 1000, b / 1000, c / 1000, d / 1000, weight / 100, kind]);
}
