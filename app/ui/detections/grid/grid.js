// Media as a dense grid: boxes over thumbnails, a threshold that redraws in the browser, keyboard and selection.

import { boxName, boxNode, counts, hidesPerson, mosaic } from "../../shared/boxes.js";
import { spreadChips } from "../../shared/chips.js";
import { clamp, count, Echo, el, keyButton, mount, sayIn } from "../../shared/dom.js";
import { isDrawn } from "../../shared/held.js";
import { keyPanel, listenKeys, PRESSES, takeFocus } from "../../shared/keys.js";
import { forgetLeft, leftAt } from "../../shared/left.js";
import { Bulk } from "./bulk.js";

const MOST_IDENTIFIED = 500;
// By store: the media under the cursor of a grid that was taken away, also by Streamlit between two keys.
const underCursor = new Map();

class Grid {
  constructor(root, data) {
    this.items = [];
    this.tiles = [];
    this.cursor = 0;
    this.anchor = 0;
    this.selected = new Set();
    this.thresholdEcho = new Echo();
    this.bulk = new Bulk((value) => this.send("bulk", value), () => this.targets(), (ids) => this.decided(ids), (text) => this.say(text), () => this.seen());
    this.slider = el("input", "slider", { type: "range", min: "0", max: "1", step: "0.01", "aria-label": "Confidence threshold",
      oninput: () => this.setThreshold(Number(this.slider.value)),
      onchange: () => this.tellThreshold() });
    this.value = el("output", "value", null, "");
    this.summary = el("span", "faint summary", { "aria-live": "polite" }, "");
    this.chosen = el("span", "chosen", { "aria-live": "polite" }, "");
    this.note = el("div", "note", { role: "status", hidden: true });
    this.bulk.buttons.prepend(this.chosen);
    this.panel = keyPanel(data.keys);
    const help = keyButton("Keys", "?", () => this.toggleHelp(), "help");
    this.list = el("div", "tiles", { role: "listbox", "aria-multiselectable": "true", "aria-label": "Media", tabIndex: 0 });
    this.node = el("div", "pm grid", null,
      el("div", "bar", null, el("label", "thresholdbox", null, el("span", "", null, "Threshold"), this.slider, this.value),
        this.summary, this.bulk.state, help), el("div", "tools", null, this.bulk.buttons, this.bulk.picker.node), this.panel, this.list, this.note);
    root.append(this.node);
    this.list.addEventListener("click", (event) => this.click(event));
    this.list.addEventListener("dblclick", (event) => this.open(this.placeOf(event)));
    this.watch = new ResizeObserver(() => this.spread());
    this.watch.observe(this.list);
    this.stop = listenKeys(root, data.store, (event, inside) => this.press(event, inside));
    requestAnimationFrame(() => takeFocus(this.list));
  }

  update(data) {
    this.data = data;
    if (this.thresholdEcho.fresh(data.threshold)) this.slider.value = String(data.threshold);
    this.bulk.update({ ...data, threshold: Number(this.slider.value) });
    this.renew();
    if (!this.came) this.comeBack();
  }

  /** After the viewer, or when the grid was drawn anew: the cursor stands on the picture one left. */
  comeBack() {
    this.came = true;
    const id = leftAt(this.data)?.id ?? underCursor.get(this.data.store);
    const place = this.items.findIndex((item) => item.id === id);
    forgetLeft(this.data);
    if (place < 0) return;
    this.cursor = this.anchor = place;
    requestAnimationFrame(() => this.mark(true));
  }

  /** Draw again when the items, or what is under way, differ from what is drawn. */
  renew() {
    const items = this.bulk.replay(this.data.items || [], Number(this.slider.value));
    const text = JSON.stringify(items);
    if (text !== this.itemsText) {
      const kept = this.items[this.cursor]?.id;
      this.itemsText = text;
      this.items = items;
      this.draw();
      const again = this.items.findIndex((item) => item.id === kept);
      this.cursor = again >= 0 ? again : clamp(this.cursor, 0, Math.max(this.items.length - 1, 0));
      if (again < 0 || !this.items[this.anchor]) this.anchor = this.cursor;
    }
    this.setThreshold(Number(this.slider.value));
    this.mark(false);
  }

  /** What a decision is about: the selection, else the media under the cursor. */
  targets() {
    if (this.selected.size) return [...this.selected];
    const item = this.items[this.cursor];
    return item ? [item.id] : [];
  }

  /** Whether what a decision is about is drawn, as far as it is on the screen. */
  seen() {
    const ids = new Set(this.targets());
    return this.items.every((item, place) => !ids.has(item.id) || isDrawn(this.tiles[place].querySelector("img")) || (this.selected.size > 0 && isOutside(this.tiles[place])));
  }

  /** After a decision: the selection is used up; without one the cursor goes on. */
  decided(ids) {
    if (ids && !this.selected.size) this.cursor = this.anchor = Math.min(this.cursor + 1, this.items.length - 1);
    if (ids) this.selected.clear();
    this.renew();
    this.mark(true);
    this.list.focus({ preventScroll: true });
  }

  say(text) {
    sayIn(this.note, text);
  }

  draw() {
    this.tiles = this.items.map((item, place) => this.tile(item, place));
    const children = [];
    this.items.forEach((item, place) => {
      const event = item.event;
      const before = this.items[place - 1]?.event, follows = before && before.single && event?.single;
      if (event && before?.id !== event.id && !follows) {
        const all = el("span", "pick", { role: "presentation", onclick: () => this.selectEvent(place) }, "select", el("kbd", "", { "aria-hidden": "true" }, "E"));
        children.push(el("div", "filler", { role: "presentation" }), el("div", "event", { role: "presentation" }, event.single ? "Single images" : event.title, " ", event.single ? null : all));
      }
      children.push(this.tiles[place]);
    });
    children.push(el("div", "filler", { role: "presentation" }));
    const ratios = this.items.map((item) => item.w / item.h || 4 / 3);
    this.list.classList.toggle("even", Math.max(...ratios) / Math.min(...ratios) < 1.05);
    this.list.style.setProperty("--ratio", String(ratios[0] || 4 / 3));
    this.list.replaceChildren(...children);
  }

  tile(item, place) {
    const ratio = item.w && item.h ? item.w / item.h : 4 / 3;
    const picture = el("img", "", { src: item.thumb, loading: "lazy", decoding: "async", alt: "", draggable: false });
    const frame = el("div", "frame", null, picture);
    for (const box of item.boxes || []) if (!item.people && hidesPerson(box)) frame.append(mosaic(picture, box));
    for (const box of [...(item.boxes || [])].sort((a, b) => a.p - b.p)) frame.append(boxNode(box, true));
    const badges = el("div", "badges", null, item.pending ? null : el("span", "badge none", null, "blank"));
    if (item.verdict && item.verdict !== "blank") badges.append(el("span", "badge verdict", null, item.verdict === "accepted" ? "✓ accepted" : `? ${item.verdict}`));
    else if (item.verdict) badges.append(el("span", "badge verdict", null, "✓ blank"));
    for (const badge of item.badges || []) badges.append(el("span", "badge", null, badge));
    const tile = el("div", `tile ${item.verdict || ""}`, { role: "option", id: `tile-${place}`, "data-place": String(place), title: item.label || "" },
      frame, badges, el("div", "caption", null, item.label || ""), el("span", "tick", { "aria-hidden": "true" }, "✓"));
    tile.style.setProperty("--ratio", String(ratio));
    return tile;
  }

  setThreshold(threshold) {
    this.threshold = threshold;
    this.bulk.data.threshold = threshold;
    this.value.textContent = threshold.toFixed(2);
    let filled = 0;
    this.items.forEach((item, place) => {
      const boxes = [...(item.boxes || [])].sort((a, b) => a.p - b.p);
      const nodes = this.tiles[place].querySelectorAll(".box");
      let shown = 0;
      boxes.forEach((box, number) => {
        const on = counts(box, threshold);
        shown += on;
        nodes[number].classList.toggle("below", !on && box.verdict !== "rejected");
      });
      filled += shown > 0;
      this.tiles[place].classList.toggle("bare-blank", shown === 0 && !item.verdict);
      this.tiles[place].setAttribute("aria-label", this.spoken(item, boxes, threshold));
    });
    this.summary.textContent = `something in ${filled} of the ${this.items.length} on this page`;
    this.spread();
  }

  /** Let no label cover another, once for all that changes before the next picture is drawn. */
  spread() {
    cancelAnimationFrame(this.spreading);
    this.spreading = requestAnimationFrame(() => spreadChips(this.list.querySelectorAll(".frame"), ".badges, .tick"));
  }

  spoken(item, boxes, threshold) {
    const seen = boxes.filter((box) => counts(box, threshold)).map(boxName);
    return [item.label, seen.length ? seen.join(", ") : item.pending ? null : "blank", item.verdict, ...(item.badges || [])].filter(Boolean).join(" · ");
  }

  placeOf(event) {
    const tile = event.target.closest(".tile");
    return tile ? Number(tile.dataset.place) : -1;
  }

  click(event) {
    const place = this.placeOf(event);
    if (place < 0 || event.target.closest("button")) return;
    this.bulk.held.giveUp();
    this.list.focus({ preventScroll: true });
    if (event.shiftKey) this.selectRange(place);
    else if (event.ctrlKey || event.metaKey || event.target.closest(".tick")) this.toggle(place);
    else if (event.detail === 1 && matchMedia("(hover: none)").matches) this.open(place);
    this.cursor = place;
    if (!event.shiftKey) this.anchor = place;
    this.mark(false);
  }

  selectRange(place) {
    const [low, high] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    for (const item of this.items.slice(low, high + 1)) this.selected.add(item.id);
    this.mark(false);
  }

  /** All media of this kind that belong to the event, also those on other pages; again: none of them. */
  selectEvent(place) {
    const event = this.items[place]?.group;
    if (event === undefined || event === null) { this.say("This image belongs to no event."); return; }
    const ids = (this.data.all || []).filter(([, group]) => group === event).map(([id]) => id);
    const every = ids.every((id) => this.selected.has(id));
    for (const id of ids) if (every) this.selected.delete(id); else this.selected.add(id);
    this.mark(false);
  }

  /** The page; again: everything of this kind, with the number of those that are not shown. */
  selectAll() {
    const page = this.items.map((item) => item.id);
    const all = (this.data.all || []).map(([id]) => id);
    const beyond = page.every((id) => this.selected.has(id)) ? all.length - page.length : 0;
    this.selected = new Set([...this.selected, ...(beyond ? all : page)]);
    this.mark(false);
    this.say(beyond ? `${count(this.selected.size, "media", "media")} selected, ${beyond.toLocaleString("en")} of them not shown here.` : `The page is selected: ${count(page.length, "media", "media")}.`);
  }

  /** Who is this? The animals of the selection, or of the media under the cursor, in Identify. */
  identify() {
    const ids = this.targets().slice(0, MOST_IDENTIFIED);
    if (ids.length) this.send("identify", { ids, n: Date.now() });
  }

  toggle(place) {
    const id = this.items[place].id;
    if (!this.selected.delete(id)) this.selected.add(id);
    this.anchor = place;
    this.mark(false);
  }

  tellThreshold() {
    this.thresholdEcho.note(this.threshold);
    this.send("threshold", this.threshold);
  }

  open(place) {
    if (place < 0 || !this.items[place]) return;
    this.cursor = place;
    this.send("opened", { id: this.items[place].id, n: Date.now() });
  }

  press(event, inside) {
    if (event.key === "h" || event.key === "H") {
      this.node.classList.toggle("bare", event.type === "keydown");
      return event.type === "keydown";
    }
    if (event.type === "keyup" || event.altKey) return false;
    if ((event.key.length === 1 || PRESSES.includes(event.key)) && this.bulk.held.keep(() => this.press(event, inside))) return true;
    const key = event.key.toLowerCase();
    if (event.ctrlKey) {
      if (key === "a" && this.items.length) this.selectAll();
      else if (key === "z" || key === "y") this.bulk.press(event.shiftKey ? "y" : key);
      else return false;
      return true;
    }
    if (key === "z" || key === "y") return this.bulk.press(event.shiftKey ? "y" : key);
    if (!this.items.length) return false;
    const target = event.composedPath()[0];
    if (target === this.slider && PRESSES.includes(event.key)) return false;
    if (inside && target?.closest?.("button") && ["Enter", " "].includes(event.key)) return false;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) this.move(this.cursor + steps[event.key], event.shiftKey);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.move(this.across(event.key === "ArrowDown"), event.shiftKey);
    else if (event.key === "Home") this.move(0, event.shiftKey);
    else if (event.key === "End") this.move(this.items.length - 1, event.shiftKey);
    else if (event.key === "Enter") this.open(this.cursor);
    else if (event.key === " ") this.toggle(this.cursor);
    else if (event.key === "?") this.toggleHelp();
    else if (event.key === "Escape" && !this.panel.hidden) this.toggleHelp();
    else if (event.key === "Escape" && this.selected.size) { this.selected.clear(); this.mark(false); }
    else if (key === "e") this.selectEvent(this.cursor);
    else if (key === "i") this.identify();
    else if (key === "p") this.bulk.people(this.items[this.cursor]);
    else return this.bulk.press(key);
    return true;
  }

  /** The tile above or below: nearest row, nearest middle. */
  across(down) {
    const here = this.tiles[this.cursor].getBoundingClientRect();
    const middle = here.left + here.width / 2;
    let best = this.cursor, least = Infinity;
    this.tiles.forEach((tile, place) => {
      const there = tile.getBoundingClientRect();
      const rows = down ? there.top - here.top : here.top - there.top;
      if (rows < 8) return;
      const far = rows * 100 + Math.abs(there.left + there.width / 2 - middle);
      if (far < least) [best, least] = [place, far];
    });
    return best;
  }

  move(place, selecting) {
    this.cursor = clamp(place, 0, this.items.length - 1);
    if (selecting) this.selectRange(this.cursor);
    else this.anchor = this.cursor;
    this.mark(true);
  }

  mark(scroll) {
    this.tiles.forEach((tile, place) => {
      tile.classList.toggle("cursor", place === this.cursor);
      const on = this.selected.has(this.items[place].id);
      tile.classList.toggle("selected", on);
      tile.setAttribute("aria-selected", String(on));
    });
    this.list.setAttribute("aria-activedescendant", `tile-${this.cursor}`);
    const here = this.items.filter((item) => this.selected.has(item.id)).length, beyond = this.selected.size - here;
    this.chosen.textContent = this.selected.size ? `${this.selected.size} selected${beyond ? ` (${beyond} on other pages)` : ""}` : "";
    this.node.classList.toggle("choosing", this.selected.size > 0);
    if (scroll) this.tiles[this.cursor]?.scrollIntoView({ block: "nearest" });
  }

  toggleHelp() {
    this.panel.hidden = !this.panel.hidden;
  }

  close() {
    if (this.data) underCursor.set(this.data.store, this.items[this.cursor]?.id);
    this.stop();
    this.watch.disconnect();
    this.bulk.close();
  }
}

/** Whether a tile is scrolled out of the window. */
function isOutside(tile) {
  const { top, bottom } = tile.getBoundingClientRect();
  return bottom < 0 || top > window.innerHeight;
}

export default function (component) {
  return mount(component, (root, data) => new Grid(root, data));
}
