// All crops of one individual beside the query, the best view of each flank first: a press compares that one.

import { el, picture } from "../../shared/dom.js";
import { flankWord } from "./pair.js";

export class Sheet {
  /** choose(place): the crop at this place of the candidate's views is to be compared. */
  constructor(choose) {
    Object.assign(this, { choose, open: false, drawn: "" });
    this.node = el("div", "sheet", { role: "group", "aria-label": "Crops of this individual", hidden: true });
    this.node.addEventListener("wheel", (event) => event.stopPropagation());
    this.node.addEventListener("pointerdown", (event) => event.stopPropagation());
  }

  show(candidate) {
    const views = candidate?.views || [];
    this.node.hidden = !this.open || views.length < 2;
    if (this.node.hidden) return;
    const at = candidate.at || 0, drawn = `${at} ${views.map((view) => view.src).join()}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.node.replaceChildren(...views.map((view, place) => el("button", "sheet-crop", { type: "button", "aria-pressed": String(place === at), onclick: () => this.choose(place) },
      picture({ src: view.src, loading: "lazy" }), el("span", "small", null, [flankWord(view.flank), ...(view.facts || [])].join(" · ")))));
  }
}
