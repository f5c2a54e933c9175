// What stands beside the picture: title, facts, boxes as a list, buttons, the species field.

import { boxName, counts } from "../../shared/boxes.js";
import { el, keyButton } from "../../shared/dom.js";
import { SpeciesPicker } from "../../shared/species.js";

export class Panel {
  /** act(name): what a button does; pick(key): select a box; keepSpecies(name): what the species field was left with. */
  constructor(act, pick, keepSpecies) {
    this.pick = pick;
    this.title = el("div", "title", null);
    this.facts = el("div", "facts faint", null);
    this.boxes = el("div", "boxlist", { role: "listbox", "aria-label": "Boxes" });
    this.picker = new SpeciesPicker(keepSpecies);
    const button = (label, key, action, classes) => keyButton(label, key, () => act(action), classes);
    this.buttons = el("div", "buttons", null,
      button("Accept", "Enter", "accept", "main"), button("Blank", "B", "blank"), button("Unsure", "U", "unsure"),
      button("Draw box", "D", "draw"), button("Move box", "M", "move"), button("Delete box", "X", "reject"), button("Species", "L", "species"), button("Take hint", "T", "hint"),
      button("Whole picture", "W", "whole"), button("People", "P", "people"), button("Undo", "Z", "undo"), button("Redo", "Y", "redo"),
      this.compare = button("Compare", "C", "compare", "wide"), button("Keys", "?", "help", "wide"));
    this.state = el("span", "faint saved", { role: "status" }, "");
    this.node = el("div", "side", null, this.title, this.facts, this.boxes, this.picker.node, this.buttons, this.state);
  }

  show(media, place, total) {
    const verdict = { accepted: " · accepted", blank: " · blank", unsure: " · unsure" }[media.verdict] || "";
    this.title.replaceChildren(el("span", "", null, media.title || ""), el("span", "faint", null, ` ${(place + 1).toLocaleString("en")} of ${total.toLocaleString("en")}${verdict}`));
    this.compare.hidden = !media.beside;
    if (media.beside) this.compare.firstChild.textContent = `Boxes of ${media.beside.name}`;
    this.facts.replaceChildren(...(media.facts || []).map((fact) => el("span", "fact", null, fact)));
  }

  list(boxes, selected, threshold) {
    const rows = boxes.map((box) => el("button", `row ${box.c} ${box.key === selected ? "on" : ""} ${counts(box, threshold) ? "" : "off"}`,
      { type: "button", role: "option", "aria-selected": String(box.key === selected), onclick: () => this.pick(box.key) },
      el("i", "hue", null), el("span", "", null, boxName(box)), el("span", "faint", null, counts(box, threshold) || box.verdict === "rejected" ? "" : "below threshold")));
    this.boxes.replaceChildren(...(rows.length ? rows : [el("div", "faint", null, "No boxes")]));
  }
}
