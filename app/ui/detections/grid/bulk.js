// Decisions about the selected media, or the one under the cursor: buttons, keys, and what the grid looks like meanwhile.

import { Actions } from "../../shared/actions.js";
import { CATEGORIES, counts, hintOf } from "../../shared/boxes.js";
import { count, el, keyButton } from "../../shared/dom.js";
import { Held } from "../../shared/held.js";
import { SpeciesPicker } from "../../shared/species.js";

const VERDICTS = { a: "accepted", b: "blank", u: "unsure" };

export class Bulk {
  /** targets(): ids decided about; done(): after a decision; say(text); seen(): whether what is decided about is drawn. */
  constructor(send, targets, done, say, seen) {
    this.seen = seen;
    this.held = new Held(say);
    this.targets = targets;
    this.done = done;
    this.say = say;
    this.actions = new Actions("grid", () => send({ actions: this.actions.waiting }));
    this.picker = new SpeciesPicker((name) => this.species(name));
    this.picker.node.classList.add("floating");
    const button = (label, key, act) => keyButton(label, key, () => act());
    const rows = [["Accept", "a"], ["Blank", "b"], ["Unsure", "u"]].map(([label, key]) => button(label, key.toUpperCase(), () => this.press(key)));
    this.buttons = el("div", "bulk", { role: "group", "aria-label": "Decide about the selection" }, ...rows,
      ...Object.entries(CATEGORIES).map(([key, name]) => button(name[0].toUpperCase() + name.slice(1), key, () => this.press(key))),
      button("Species", "L", () => this.press("l")), button("Take hints", "T", () => this.press("t")), button("Whole picture", "W", () => this.press("w")),
      button("Undo", "Z", () => this.press("z")), button("Redo", "Y", () => this.press("y")));
    this.state = el("span", "faint", { role: "status" }, "");
  }

  update(data) {
    this.data = data;
    this.actions.store = `pugmark:${data.store}`;
    this.actions.acknowledge(data.ack || 0, data.as_of);
    this.picker.suggest(data.species_choices || []);
    this.tellSaved();
  }

  tellSaved() {
    this.state.textContent = this.actions.saved;
  }

  /** The items with what is still under way drawn on them. */
  replay(items, threshold) {
    const shown = items.map((item) => ({ ...item, boxes: item.boxes.map((box) => ({ ...box })) }));
    const byId = new Map(shown.map((item) => [item.id, item]));
    for (const action of this.actions.effective()) {
      if (action.kind === "people" && byId.has(action.media_id)) byId.get(action.media_id).people = action.shown;
      for (const id of action.media_ids || []) if (byId.has(id)) bulkOn(byId.get(id), action, threshold);
    }
    return shown;
  }

  press(key) {
    const turns = key === "z" || key === "y", known = turns || key === "l" || key === "w" || key === "t" || VERDICTS[key] || CATEGORIES[key];
    if (!known) return false;
    if (this.held.keep(() => this.press(key), turns ? undefined : this.seen)) return true;
    if (key === "l") { this.ask(); return true; }
    if (turns) { this.turn(key === "z"); return true; }
    if (VERDICTS[key]) this.decide({ what: VERDICTS[key] });
    else if (CATEGORIES[key]) this.decide({ what: "category", category: CATEGORIES[key] });
    else if (key === "w") this.decide({ what: "whole" });
    else this.decide({ what: "hints" });
    return true;
  }

  ask() {
    this.asked = this.targets();
    const asked = new Set(this.asked), items = (this.data.items || []).filter((item) => asked.has(item.id));
    const found = items.flatMap((item) => item.boxes.filter((box) => counts(box, this.data.threshold)).map(hintOf)).filter(Boolean);
    this.picker.open(null, found.length && found.every((hint) => hint.name === found[0].name) ? found[0] : null);
  }

  species(name) {
    if (name !== undefined) this.decide({ what: "species", species: name }, this.asked);
    else this.done(null);
  }

  decide(what, asked = this.targets()) {
    if (!asked.length) return;
    const waiting = new Set((this.data.items || []).filter((item) => item.pending && what.what !== "unsure").map((item) => item.id));
    const ids = asked.filter((id) => !waiting.has(id)), skipped = asked.length - ids.length;
    if (!ids.length) {
      this.done(asked);
      this.say("Skipped: still being looked at.");
      return;
    }
    this.actions.add({ kind: "bulk", media_ids: ids, threshold: this.data.threshold, ...what });
    this.say(`${what.species || what.category || ({ whole: "Whole picture", hints: "Hints taken" }[what.what] || what.what)}: ${count(ids.length, "media", "media")}${skipped ? `, ${skipped} still being looked at skipped` : ""}`);
    this.tellSaved();
    this.done(ids);
  }

  /** Show the people on one picture, or blur them again. */
  people(item) {
    if (this.held.keep(() => this.people(item), this.seen)) return;
    this.actions.add({ kind: "people", media_id: item.id, shown: !item.people });
    this.say(item.people ? "People are blurred." : "People on this picture are shown. Z blurs them again.");
    this.tellSaved();
    this.done(null);
  }

  turn(back) {
    const action = back ? this.actions.undo() : this.actions.redo();
    this.say(`${back ? "Undone" : "Done again"}${action?.media_ids ? `: ${count(action.media_ids.length, "media", "media")}` : ""}.`);
    this.tellSaved();
    this.done(null);
  }

  close() {
    this.held.close();
    this.actions.close();
  }
}

/** One item as it will be when the action is in the survey. */
function bulkOn(item, action, threshold) {
  const shown = item.boxes.filter((box) => counts(box, threshold));
  const animals = item.boxes.filter((box) => box.c === "animal");
  const named = item.boxes.some((box) => box.named);
  if (action.what === "blank") {
    if (named) return;
    item.boxes = item.boxes.filter((box) => box.c === "person");
  } else if (action.what === "category" || action.what === "species") {
    const chosen = action.what === "category" ? shown : shown.filter((box) => box.c === "animal");
    if (!chosen.length || (named && action.category && action.category !== "animal")) return;
    for (const box of chosen) Object.assign(box, action.what === "category" ? { c: action.category } : { species: action.species }, { verdict: "accepted" });
  } else if (action.what === "hints") {
    if (!shown.some(hintOf)) return;
    for (const box of shown) Object.assign(box, { species: hintOf(box)?.name || box.species, verdict: "accepted" });
  } else if (action.what === "whole") {
    const best = animals.sort((a, b) => Boolean(b.named) - Boolean(a.named) || b.p - a.p)[0] || { c: "animal", p: 1, drawn: true };
    item.boxes = [...item.boxes.filter((box) => box.c !== "animal"), { ...best, x: 0, y: 0, w: 1, h: 1, verdict: "accepted" }];
  } else if (action.what === "accepted") for (const box of shown) box.verdict = "accepted";
  item.verdict = ["blank", "unsure"].includes(action.what) ? action.what : "accepted";
}
