// The undecided crops by way of which a candidate ranks higher: how many they are, and each as a link to it.

import { el, picture } from "../../shared/dom.js";

export class Way {
  constructor() {
    this.words = el("span", "", null, "");
    this.links = el("span", "shots", null);
    this.node = el("span", "way", { hidden: true }, this.words, this.links);
  }

  /** crops: those that look like the query and resemble the chosen candidate most of all named. */
  show(crops) {
    this.node.hidden = !crops.length;
    const drawn = crops.map((crop) => crop.src).join();
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.words.textContent = crops.length === 1 ? "Also by way of 1 undecided crop that looks alike" : `Also by way of ${crops.length} undecided crops that look alike`;
    this.links.replaceChildren(...crops.map((crop) => el("a", "", { href: `?q=${crop.id}`, target: "_blank", rel: "noopener", title: "Look at this crop in a tab of its own" }, picture({ src: crop.src, alt: `undecided crop ${crop.id}` }))));
  }
}
