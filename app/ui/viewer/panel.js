// What stands beside the picture: title, facts, boxes as a list, buttons, the species field.

const VIEW_KEYS = [
  ["Enter", "accept the boxes shown, next"], ["B", "blank, next"], ["U", "unsure, next"], ["X", "reject the box, again to keep it"],
  ["Tab", "next box"], ["1 2 3", "animal, person, vehicle"], ["L", "species"], ["D", "draw a box"],
  ["Shift ←", "move the box (Ctrl: fine)"], ["Alt ←", "resize the box (Ctrl: fine)"], ["← →", "browse"], ["Z", "undo"],
  ["+ -", "zoom, 0 fits"], ["H", "hold: no boxes"], ["P", "show people"], ["?", "these keys"],
];

class Panel {
  /** act(name): what a button does; pick(key): select a box; name(text): keep a species. */
  constructor(act, pick, name) {
    this.name = name;
    this.pick = pick;
    this.title = el("div", "title", null);
    this.facts = el("div", "facts faint", null);
    this.boxes = el("div", "boxlist", { role: "listbox", "aria-label": "Boxes" });
    this.choices = el("datalist", "", { id: "species" });
    this.input = el("input", "species", { type: "text", list: "species", placeholder: "Species, e.g. Panthera tigris", "aria-label": "Species",
      autocomplete: "off", maxlength: "120", onkeydown: (event) => this.typed(event) });
    this.field = el("div", "field", { hidden: true }, this.input, this.choices, el("span", "faint", null, "Enter keeps, Esc leaves"));
    const button = (label, key, action, classes) => keyButton(label, key, () => act(action), classes);
    this.buttons = el("div", "buttons", null,
      button("Accept", "Enter", "accept", "main"), button("Blank", "B", "blank"), button("Unsure", "U", "unsure"),
      button("Reject box", "X", "reject"), button("Draw", "D", "draw"), button("Species", "L", "species"), button("Undo", "Z", "undo"),
      button("People", "P", "people"), button("Keys", "?", "help"));
    this.state = el("span", "faint saved", { role: "status" }, "");
    this.node = el("div", "side", null, this.title, this.facts, this.boxes, this.field, this.buttons, this.state);
  }

  show(media, place, total) {
    const verdict = { accepted: " · accepted", blank: " · blank", unsure: " · unsure" }[media.verdict] || "";
    this.title.replaceChildren(el("span", "", null, media.title || ""), el("span", "faint", null, ` ${(place + 1).toLocaleString("en")} of ${total.toLocaleString("en")}${verdict}`));
    this.facts.replaceChildren(...(media.facts || []).map((fact) => el("span", "fact", null, fact)));
  }

  list(boxes, selected, threshold) {
    const rows = boxes.map((box, number) => el("button", `row ${box.c} ${box.key === selected ? "on" : ""} ${counts(box, threshold) ? "" : "off"}`,
      { type: "button", role: "option", "aria-selected": String(box.key === selected), onclick: () => this.pick(box.key) },
      el("i", "hue", null), el("span", "", null, boxName(box)), el("span", "faint", null, counts(box, threshold) || box.verdict === "rejected" ? "" : "below threshold")));
    this.boxes.replaceChildren(...(rows.length ? rows : [el("div", "faint", null, "No boxes")]));
  }

  suggest(choices) {
    this.choices.replaceChildren(...choices.map((choice) => el("option", "", { value: choice })));
  }

  openSpecies(text) {
    this.field.hidden = false;
    this.input.value = text || "";
    this.input.focus();
    this.input.select();
  }

  closeSpecies() {
    this.field.hidden = true;
  }

  typed(event) {
    event.stopPropagation();
    if (event.key === "Enter") this.name(this.input.value.trim());
    else if (event.key === "Escape") this.name(null);
    else return;
    event.preventDefault();
  }
}
