// Query and candidate side by side: one zoom, one position, one brightness for both.

class Pair {
  constructor() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.query = this.side("Query");
    this.candidate = this.side("Candidate");
    this.brightness = el("input", "slider", { type: "range", min: "0.5", max: "2.5", step: "0.05", value: "1", "aria-label": "Brightness of both", oninput: () => this.place() });
    this.lines = new Lines();
    this.node = el("div", "pair", null, this.query.node, this.candidate.node, this.lines.node);
    this.tools = el("div", "tools faint", null, el("label", "", null, "Brightness ", this.brightness), this.zoomText = el("span", "", null, ""));
    this.node.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.node.addEventListener("pointerdown", (event) => this.down(event));
    this.node.addEventListener("pointermove", (event) => this.moved(event));
    this.node.addEventListener("pointerup", () => { this.drag = null; });
    this.node.addEventListener("dblclick", () => this.reset());
    for (const { picture } of [this.query, this.candidate]) picture.addEventListener("load", () => this.lines.draw(this));
    this.watch = new ResizeObserver(() => this.lines.draw(this));
    this.watch.observe(this.node);
  }

  side(word) {
    const picture = el("img", "", { alt: "", draggable: false });
    const word_ = el("span", "word", null, word);
    const name = el("span", "name", null, "");
    const facts = el("span", "facts faint", null, "");
    const view = el("div", "view", null, picture);
    return { node: el("figure", "side", null, el("figcaption", "", null, word_, name, facts), view), picture, name, facts, view };
  }

  show(query, candidate) {
    this.put(this.query, query, query.decided || "");
    this.put(this.candidate, candidate, candidate ? candidate.name || "not named" : "none");
    this.lines.points = candidate?.lines || [];
    this.place();
  }

  put(side, crop, name) {
    side.view.classList.toggle("none", !crop);
    side.name.textContent = name;
    side.facts.textContent = crop ? [flankWord(crop.flank), ...(crop.facts || [])].join(" · ") : "";
    side.picture.alt = crop ? name || "query crop" : "";
    if (crop && side.picture.getAttribute("src") !== crop.src) side.picture.src = crop.src;
    if (!crop) side.picture.removeAttribute("src");
  }

  place() {
    const move = `scale(${this.zoom}) translate(${this.x * 100}%, ${this.y * 100}%)`;
    for (const { picture } of [this.query, this.candidate]) {
      picture.style.transform = move;
      picture.style.filter = `brightness(${this.brightness.value})`;
    }
    this.zoomText.textContent = this.zoom > 1 ? `${this.zoom.toFixed(1)} x, double click or 0 fits` : "";
    this.node.classList.toggle("zoomed", this.zoom > 1);
    this.lines.draw(this);
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

  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
    this.place();
  }
}

function flankWord(flank) {
  return { left: "left flank", right: "right flank", other: "other side", unknown: "flank not known" }[flank] || "flank not known";
}
