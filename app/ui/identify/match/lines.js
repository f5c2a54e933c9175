// Matched features as lines from the query to the candidate: [query x, query y, candidate x, candidate y, weight, kind],
// places in shares of each crop, kind 0 consistent on the animal, 1 consistent on the background, 2 not consistent.

const SVG = "http://www.w3.org/2000/svg";
const MOST_LINES = 40;
const MOST_BACKGROUND = 14;
const GOLDEN_ANGLE = 137.508;

export class Lines {
  constructor() {
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("class", "lines");
    this.node.setAttribute("aria-hidden", "true");
    this.shown = false;
    this.masked = false;
    this.points = [];
  }

  /** Draw over `pair`, whose two pictures are fitted, zoomed and moved as Pair.place() says. */
  draw(pair) {
    const parts = { faint: [], background: [], animal: [] };
    let drawn = 0, behind = 0;
    if (this.shown) {
      const whole = pair.node.getBoundingClientRect();
      for (const [queryX, queryY, candidateX, candidateY, , kind = 0] of this.points) {
        if (this.masked && kind !== 0) continue;
        if ((kind === 0 && drawn >= MOST_LINES) || (kind === 1 && (behind += 1) > MOST_BACKGROUND)) continue;
        const from = pair.spot(pair.query, queryX, queryY, whole);
        const to = pair.spot(pair.candidate, candidateX, candidateY, whole);
        if (kind === 0) drawn += 1;
        if (!from || !to) continue;
        if (kind === 0) parts.animal.push(...this.line(from, to, drawn));
        else if (kind === 1) parts.background.push(this.shape("line", "ground", ends(from, to)), ...this.spots(from, to, "ground"));
        else parts.faint.push(this.shape("line", "rest", ends(from, to)));
      }
    }
    this.node.replaceChildren(...parts.faint, ...parts.background, ...parts.animal);
  }

  line(from, to, number) {
    const hue = Math.round((number * GOLDEN_ANGLE) % 360);
    const over = this.shape("line", "over", ends(from, to));
    const spots = this.spots(from, to, "spot");
    for (const node of [over, ...spots]) node.style.stroke = `hsl(${hue} 85% 62%)`;
    return [this.shape("line", "under", ends(from, to)), over, ...spots];
  }

  spots(from, to, name) {
    return [from, to].map((spot) => this.shape("circle", name, { cx: spot.x, cy: spot.y, r: 4 }));
  }

  shape(tag, name, attributes) {
    const node = document.createElementNS(SVG, tag);
    node.setAttribute("class", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value.toFixed(1));
    return node;
  }
}

function ends(from, to) {
  return { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
}
