// The crops of the query's burst: decided together with it, unless the person decides this one alone.

import { count, el, keyButton, picture } from "../../shared/dom.js";

export class Burst {
  /** change(): the person wants the query alone, or together with its burst again. */
  constructor(change) {
    Object.assign(this, { alone: false, crops: [] });
    this.word = el("span", "", { role: "status" }, "");
    this.shots = el("span", "shots", null);
    this.button = keyButton("This crop alone", "S", change, "");
    this.node = el("div", "burst", { hidden: true }, this.word, this.shots, this.button);
  }

  /** The crops that a decision about the query takes along. */
  get together() { return this.alone ? [] : this.crops.map((crop) => crop.id); }

  show(query) {
    this.crops = query.decided ? [] : query.burst || [];
    this.node.hidden = !this.crops.length;
    if (this.node.hidden) return;
    this.node.classList.toggle("alone", this.alone);
    this.word.textContent = this.alone ? `Without ${count(this.crops.length, "more crop", "more crops")} of the burst` : `Together with ${count(this.crops.length, "more crop", "more crops")} of the burst`;
    this.button.setAttribute("aria-pressed", String(this.alone));
    this.button.classList.toggle("on", this.alone);
    const drawn = this.crops.map((crop) => crop.src).join();
    if (drawn !== this.drawn) this.shots.replaceChildren(...this.crops.slice(0, 8).map((crop) => picture({ src: crop.src })));
    this.drawn = drawn;
  }
}
