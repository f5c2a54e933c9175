// Matched features as lines from the query to the candidate: [[query x, query y, candidate x, candidate y], ...] in
// shares of each crop.

const SVG = "http://www.w3.org/2000/svg";

class Lines {
  constructor() {
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("class", "lines");
    this.node.setAttribute("aria-hidden", "true");
    this.shown = false;
    this.points = [];
  }

  /** Draw over `pair`, whose two pictures are fitted, zoomed and moved as Pair.place() says. */
  draw(pair) {
    const parts = [];
    if (this.shown) {
      const whole = pair.node.getBoundingClientRect();
      for (const [queryX, queryY, candidateX, candidateY] of this.points) {
        const from = this.spot(pair, pair.query, queryX, queryY, whole);
        const to = this.spot(pair, pair.candidate, candidateX, candidateY, whole);
        if (from && to) parts.push(...this.line(from, to));
      }
    }
    this.node.replaceChildren(...parts);
  }

  line(from, to) {
    const strokes = ["under", "over"].map((name) => this.shape("line", name, { x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
    return [...strokes, ...[from, to].map((spot) => this.shape("circle", "spot", { cx: spot.x, cy: spot.y, r: 4 }))];
  }

  shape(tag, name, attributes) {
    const node = document.createElementNS(SVG, tag);
    node.setAttribute("class", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value.toFixed(1));
    return node;
  }

  /** Where a point of a crop lies over the pair, or null when it is outside of what is shown. */
  spot(pair, side, x, y, whole) {
    const view = side.view.getBoundingClientRect(), { naturalWidth: wide, naturalHeight: high } = side.picture;
    if (!wide) return null;
    const fit = Math.min(view.width / wide, view.height / high);
    const left = (x - 0.5) * wide * fit, top = (y - 0.5) * high * fit;
    const inView = { x: view.width / 2 + pair.zoom * (left + pair.x * view.width), y: view.height / 2 + pair.zoom * (top + pair.y * view.height) };
    if (inView.x < 0 || inView.y < 0 || inView.x > view.width || inView.y > view.height) return null;
    return { x: view.left - whole.left + inView.x, y: view.top - whole.top + inView.y };
  }
}
