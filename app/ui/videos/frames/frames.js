// The frames of a video that were looked at: one large with its boxes, all of them as a strip, played one after the other.

import { Actions } from "../../shared/actions.js";
import { placeBox } from "../../shared/boxes.js";
import { clamp, count, el, keyButton, mount, picture, turnTo } from "../../shared/dom.js";
import { Held, isDrawn } from "../../shared/held.js";
import { keyPanel, listenKeys, takeFocus } from "../../shared/keys.js";

const PLAY_EVERY = 350;

class Video {
  constructor(root, data) {
    this.actions = new Actions(data.store, () => this.send("marks", { actions: this.actions.waiting }));
    this.frames = [];
    this.at = 0;
    this.jumped = null;
    this.picture = picture();
    this.held = new Held((text) => { this.what.textContent = text; });
    this.layer = el("div", "layer", null);
    this.stage = el("div", "stage", { tabIndex: 0, role: "img" }, this.picture, this.layer);
    this.when = el("span", "when", { role: "status" });
    this.what = el("span", "faint");
    this.playing = keyButton("Play", "Space", () => this.play());
    this.strip = el("div", "strip", { role: "group", "aria-label": "Frames looked at" });
    this.help = keyPanel(data.keys);
    const bar = el("div", "bar", null, keyButton("Back", "←", () => this.go(-1)), this.playing,
      keyButton("On", "→", () => this.go(1)), this.when, this.what,
      keyButton("Keys", "?", () => { this.help.hidden = !this.help.hidden; }, "help"));
    this.ghost = el("div", "box ghost", { hidden: true });
    for (const kind of ["pointerdown", "pointermove", "pointerup"]) this.stage.addEventListener(kind, (event) => this.drag(event));
    this.node = el("div", "pm video", null, this.stage, bar, this.strip, this.help);
    root.append(this.node);
    this.stop = listenKeys(root, data.store, (event, inside) => this.press(event, inside));
    requestAnimationFrame(() => takeFocus(this.stage));
  }

  update(data) {
    const text = JSON.stringify((data.frames || []).map((frame) => [frame.src, frame.boxes]));
    this.data = data;
    this.actions.acknowledge(data.ack, data.as_of);
    if (text !== this.text) {
      this.text = text;
      this.frames = data.frames || [];
      this.stage.style.aspectRatio = `${data.width} / ${data.height}`;
      this.stage.style.maxWidth = `calc(62vh * ${data.width / data.height})`;
      this.tiles = this.frames.map((frame, place) => el("button", frame.boxes.length ? "has" : "",
        { type: "button", "aria-label": `${frame.time}, ${count(frame.boxes.length, "box", "boxes")}`, onclick: () => this.show(place) },
        el("img", "", { src: frame.src, alt: "", loading: "lazy", decoding: "async" }), el("span", "", null, frame.time)));
      this.strip.replaceChildren(...this.tiles);
      this.show(clamp(this.at, 0, Math.max(this.frames.length - 1, 0)));
    }
    const jump = data.jump || {};
    if (jump.n !== undefined && jump.n !== this.jumped) {
      this.jumped = jump.n;
      const place = this.frames.findIndex((frame) => frame.number === jump.number);
      if (place >= 0) this.show(place);
    }
  }

  show(place) {
    const frame = this.frames[place];
    if (!frame) return;
    this.at = place;
    turnTo(this.picture, frame.src);
    this.stage.setAttribute("aria-label", `Frame at ${frame.time}`);
    this.layer.replaceChildren(...frame.boxes.map((box) => this.box(box)));
    this.when.textContent = `${frame.time} · frame ${frame.number.toLocaleString("en")}`;
    this.what.textContent = frame.boxes.map((box) => box.name).join(", ") || "nothing marked";
    this.tiles.forEach((tile, other) => tile.classList.toggle("now", other === place));
    const tile = this.tiles[place];
    this.strip.scrollTo({ left: tile.offsetLeft - this.strip.offsetLeft - this.strip.clientWidth / 2 + tile.clientWidth / 2 });
  }

  box(box) {
    const node = el("div", `box ${box.c}${box.sure ? "" : " unsure"}`, null, el("span", "chip", null, box.name));
    placeBox(node, box);
    if (box.y < 0.08) node.classList.add("chipin");
    if (box.x > 0.6) node.classList.add("chipleft");
    return node;
  }

  /** Write a decision down; the script draws what became of it. */
  decide(action, words) {
    this.actions.add({ media_id: this.data.media_id, ...action });
    this.what.textContent = words;
  }

  setDrawing(on) {
    this.drawing = on;
    this.stage.classList.toggle("drawing", on);
    if (on) this.what.textContent = "Drag a rectangle around the animal.";
  }

  /** While drawing: from where the pointer went down to where it comes up. */
  drag(event) {
    if (!this.drawing || (event.type === "pointerdown" && !isDrawn(this.picture))) return;
    const place = this.stage.getBoundingClientRect();
    const at = { x: clamp((event.clientX - place.left) / place.width, 0, 1), y: clamp((event.clientY - place.top) / place.height, 0, 1) };
    if (event.type === "pointerdown") {
      this.from = at;
      this.stage.setPointerCapture(event.pointerId);
      this.layer.append(this.ghost);
    }
    if (!this.from) return;
    const box = { x: Math.min(this.from.x, at.x), y: Math.min(this.from.y, at.y), w: Math.abs(at.x - this.from.x), h: Math.abs(at.y - this.from.y) };
    this.ghost.hidden = false;
    placeBox(this.ghost, box);
    if (event.type !== "pointerup") return;
    this.from = null;
    this.ghost.hidden = true;
    this.setDrawing(false);
    const frame = this.frames[this.at];
    if (box.w > 0.005 && box.h > 0.005) this.decide({ kind: "draw", category: "animal", box, frame: frame.number, second: frame.second }, "Box drawn.");
  }

  go(step) {
    this.show(clamp(this.at + step, 0, this.frames.length - 1));
  }

  play() {
    const word = this.playing.querySelector(".word");
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
      word.textContent = "Play";
      return;
    }
    if (this.at >= this.frames.length - 1) this.show(0);
    word.textContent = "Stop";
    this.timer = setInterval(() => (this.at >= this.frames.length - 1 ? this.play() : this.go(1)), PLAY_EVERY);
  }

  press(event, inside) {
    const key = event.key, decides = /^[0-9bd]$/i.test(key) && !event.ctrlKey && !event.altKey;
    if (event.type === "keydown" && event.key.length === 1 && this.held.keep(() => this.press(event, inside), decides ? () => isDrawn(this.picture) : undefined)) return true;
    if (key === "h" || key === "H") { this.stage.classList.toggle("bare", event.type === "keydown"); return inside; }
    if (event.type === "keyup" || event.ctrlKey || event.altKey || !this.frames.length) return false;
    if (key === "ArrowLeft" || key === "ArrowRight") this.go(key === "ArrowRight" ? 1 : -1);
    else if (key === "Home" || key === "End") this.show(key === "Home" ? 0 : this.frames.length - 1);
    else if (key === " ") this.play();
    else if (key >= "0" && key <= "9" && key.length === 1) this.decide({ kind: "count", animals: Number(key) }, `Counted: ${key}.`);
    else if (key === "b" || key === "B") this.decide({ kind: "count", animals: 0 }, "No animal in this video.");
    else if (key === "d" || key === "D") this.setDrawing(!this.drawing);
    else if (key === "z" || key === "Z") { this.actions.undo(); this.what.textContent = "Taken back."; }
    else if (key === "y" || key === "Y") { this.actions.redo(); this.what.textContent = "Made again."; }
    else if (key === "?") this.help.hidden = !this.help.hidden;
    else return false;
    return true;
  }

  close() {
    this.held.close();
    clearInterval(this.timer);
    this.actions.close();
    this.stop();
  }
}

export default function (component) {
  return mount(component, (root, data) => new Video(root, data));
}
