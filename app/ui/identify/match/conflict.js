// What contradicts earlier decisions: the chain of decisions that makes it, and the ways out by number.

import { el, keyButton, picture } from "../../shared/dom.js";

export class Conflict {
  /** solve(conflict, way): the person chose a way out; leave(conflict): nothing is to be changed. */
  constructor(solve, leave) {
    this.solve = solve;
    this.leave = leave;
    this.settled = new Set();
    this.now = null;
    this.node = el("div", "conflict", { role: "alertdialog", "aria-label": "Contradiction", tabIndex: -1, hidden: true });
  }

  /** Take the script's list; the first one nobody has settled is shown. */
  update(conflicts) {
    const open = (conflicts || []).find((conflict) => !this.settled.has(conflict.id)) || null;
    if (open?.id === this.now?.id) return;
    this.now = open;
    this.draw();
  }

  draw() {
    this.node.hidden = !this.now;
    if (!this.now) return;
    const pictures = (this.now.crops || []).map((crop) => el("figure", "", null, picture({ src: crop.src }), el("figcaption", "", null, `crop ${crop.id}${crop.name ? `, ${crop.name}` : ""}`)));
    const ways = this.now.ways.map((way, place) => keyButton(sentence(way.label), String(place + 1), () => this.choose(place)));
    this.node.replaceChildren(
      el("div", "title", null, "This contradicts an earlier decision. Nothing was changed."), el("p", "", null, this.now.text),
      el("ol", "", null, ...this.now.chain.map((text) => el("li", "", null, text))), el("div", "crops", null, ...pictures),
      el("div", "ways", null, ...ways, keyButton("Leave it as it is", "Esc", () => this.done(this.leave))),
    );
    this.node.focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "nearest" });
  }

  choose(place) {
    const way = this.now.ways[place];
    if (way) this.done((conflict) => this.solve(conflict, way));
  }

  done(then) {
    const conflict = this.now;
    this.settled.add(conflict.id);
    this.now = null;
    this.draw();
    then(conflict);
  }

  /** Use every press while it is open, so that no decision is made behind it. */
  press(key) {
    if (!this.now) return false;
    if (/^[1-9]$/.test(key)) this.choose(Number(key) - 1);
    else if (key === "Escape") this.done(this.leave);
    else return key !== "Tab" && key !== "Enter" && key !== " ";
    return true;
  }
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
