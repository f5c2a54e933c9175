// Media as a dense grid: boxes over thumbnails, a threshold that redraws in the browser, keyboard and selection.

const GRID_KEYS = [
  ["← → ↑ ↓", "move"], ["Enter", "open"], ["Space", "select"], ["Shift click", "select a range"],
  ["H", "hold to hide the boxes"], ["Esc", "clear the selection"], ["?", "these keys"],
];

class Grid {
  constructor(root) {
    this.items = [];
    this.tiles = [];
    this.cursor = 0;
    this.anchor = 0;
    this.selected = new Set();
    this.thresholdEcho = new Echo();
    this.selectedEcho = new Echo();
    this.slider = el("input", "slider", { type: "range", min: "0", max: "1", step: "0.01", "aria-label": "Confidence threshold",
      oninput: () => this.setThreshold(Number(this.slider.value)),
      onchange: () => this.tellThreshold() });
    this.value = el("output", "value", null, "");
    this.summary = el("span", "faint summary", { "aria-live": "polite" }, "");
    this.chosen = el("span", "chosen", { "aria-live": "polite" }, "");
    this.panel = keyPanel(GRID_KEYS);
    const help = el("button", "button help", { type: "button", "aria-label": "Keys", onclick: () => this.toggleHelp() }, el("kbd", "", null, "?"));
    this.list = el("div", "tiles", { role: "listbox", "aria-multiselectable": "true", "aria-label": "Media", tabIndex: 0 });
    this.scroll = el("div", "scroll", null, this.list);
    this.node = el("div", "pm grid", null,
      el("div", "bar", null, el("label", "thresholdbox", null, el("span", "", null, "Threshold"), this.slider, this.value),
        this.summary, this.chosen, help), this.panel, this.scroll);
    root.append(this.node);
    this.list.addEventListener("click", (event) => this.click(event));
    this.list.addEventListener("dblclick", (event) => this.open(this.placeOf(event)));
    this.stop = listenKeys(root, (event, inside) => this.press(event, inside));
    requestAnimationFrame(() => takeFocus(this.list));
  }

  update(data) {
    this.scroll.style.maxHeight = data.height ? `${data.height}px` : "";
    this.scroll.classList.toggle("tall", !data.height);
    const items = JSON.stringify(data.items);
    if (items !== this.itemsText) {
      const kept = this.items[this.cursor]?.id;
      this.itemsText = items;
      this.items = data.items || [];
      this.draw();
      const again = this.items.findIndex((item) => item.id === kept);
      this.cursor = Math.max(again, 0);
      this.anchor = this.cursor;
    }
    if (this.selectedEcho.fresh(data.selected || [])) this.selected = new Set(data.selected || []);
    if (this.thresholdEcho.fresh(data.threshold)) this.slider.value = String(data.threshold);
    this.setThreshold(Number(this.slider.value));
    this.mark(false);
  }

  draw() {
    this.tiles = this.items.map((item, place) => this.tile(item, place));
    const children = [];
    this.items.forEach((item, place) => {
      const event = item.event;
      if (event && (place === 0 || this.items[place - 1].event?.id !== event.id)) {
        children.push(el("div", "filler", { role: "presentation" }), el("div", "event", { role: "presentation" }, event.title));
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
    for (const box of item.boxes || []) if (hidesPerson(box)) frame.append(mosaic(picture, box));
    for (const box of [...(item.boxes || [])].sort((a, b) => a.p - b.p)) frame.append(boxNode(box, true));
    const badges = el("div", "badges", null, el("span", "badge none", null, "blank"));
    for (const badge of item.badges || []) badges.append(el("span", "badge", null, badge));
    const tile = el("div", "tile", { role: "option", id: `tile-${place}`, "data-place": String(place), title: item.label || "" },
      frame, badges, el("div", "caption", null, item.label || ""), el("span", "tick", { "aria-hidden": "true" }, "✓"));
    tile.style.setProperty("--ratio", String(ratio));
    return tile;
  }

  setThreshold(threshold) {
    this.threshold = threshold;
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
      this.tiles[place].classList.toggle("blank", shown === 0);
      this.tiles[place].setAttribute("aria-label", this.spoken(item, boxes, threshold));
    });
    this.summary.textContent = `${filled} of ${count(this.items.length, "picture")} with something in it`;
  }

  spoken(item, boxes, threshold) {
    const seen = boxes.filter((box) => counts(box, threshold)).map(boxName);
    return [item.label, seen.length ? seen.join(", ") : "blank", ...(item.badges || [])].filter(Boolean).join(" · ");
  }

  placeOf(event) {
    const tile = event.target.closest(".tile");
    return tile ? Number(tile.dataset.place) : -1;
  }

  click(event) {
    const place = this.placeOf(event);
    if (place < 0) return;
    this.list.focus({ preventScroll: true });
    if (event.shiftKey) this.selectRange(place);
    else if (event.ctrlKey || event.target.closest(".tick")) this.toggle(place);
    else if (event.detail === 1 && matchMedia("(hover: none)").matches) this.open(place);
    this.cursor = place;
    if (!event.shiftKey) this.anchor = place;
    this.mark(false);
  }

  selectRange(place) {
    const [low, high] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    for (const item of this.items.slice(low, high + 1)) this.selected.add(item.id);
    this.tell();
  }

  toggle(place) {
    const id = this.items[place].id;
    if (!this.selected.delete(id)) this.selected.add(id);
    this.anchor = place;
    this.tell();
  }

  tellThreshold() {
    this.thresholdEcho.told(this.threshold);
    this.send("threshold", this.threshold);
  }

  tell() {
    const list = this.items.filter((item) => this.selected.has(item.id)).map((item) => item.id);
    this.selectedEcho.told(list);
    this.send("selected", list);
    this.mark(false);
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
    if (event.type === "keyup" || event.ctrlKey || event.altKey || !this.items.length) return false;
    const target = event.composedPath()[0];
    if (inside && (target === this.slider || target.closest?.("button"))) return false;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) this.move(this.cursor + steps[event.key], event.shiftKey);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.move(this.across(event.key === "ArrowDown"), event.shiftKey);
    else if (event.key === "Home") this.move(0, event.shiftKey);
    else if (event.key === "End") this.move(this.items.length - 1, event.shiftKey);
    else if (event.key === "Enter") this.open(this.cursor);
    else if (event.key === " ") this.toggle(this.cursor);
    else if (event.key === "?") this.toggleHelp();
    else if (event.key === "Escape" && !this.panel.hidden) this.toggleHelp();
    else if (event.key === "Escape" && this.selected.size) { this.selected.clear(); this.tell(); } else return false;
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
    this.chosen.textContent = this.selected.size ? `${this.selected.size} selected` : "";
    if (scroll) this.tiles[this.cursor]?.scrollIntoView({ block: "nearest" });
  }

  toggleHelp() {
    this.panel.hidden = !this.panel.hidden;
  }

  close() {
    this.stop();
  }
}

export default function (component) {
  return mount(component, (root) => new Grid(root));
}
