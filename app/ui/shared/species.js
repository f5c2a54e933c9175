// The species field: type-ahead over the labels used in this survey, those on its list, and the names that ship with it.

import { el, score } from "./dom.js";

const MOST_OFFERED = 8;
const ASK_AFTER = 80;

export class SpeciesPicker {
  /** keep(name): what was chosen; null takes the label away; undefined leaves everything as it is. */
  constructor(keep) {
    this.keep = keep;
    this.choices = [];
    this.facts = [];
    this.last = null;
    this.input = el("input", "species", { type: "text", placeholder: "Species or common name", "aria-label": "Species", role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "true", "aria-controls": "offers", autocomplete: "off", spellcheck: "false", maxlength: "120",
      oninput: () => this.typed(), onkeydown: (event) => this.press(event) });
    this.list = el("div", "offers", { role: "listbox", id: "offers", "aria-label": "Labels" });
    this.node = el("div", "field", { hidden: true }, this.input, this.list, el("span", "faint", null, "↑ ↓ choose, Enter keeps, Esc leaves"));
  }

  suggest(choices) { this.choices = choices; }

  /** present: the label that stands. hint: {name, score} of what it may be, offered first. */
  open(present, hint = null) {
    this.present = present || null;
    this.hint = hint;
    this.node.hidden = false;
    this.input.value = "";
    this.facts = [];
    this.offer();
    this.input.focus();
  }

  close() { this.node.hidden = true; }

  /** [{label, name, hint}]: what fits the words typed, the beginning of a name first. */
  fitting(words) {
    const text = words.toLowerCase();
    const ranked = this.choices.map((choice, place) => {
      const spots = [choice.name, choice.common].map((name) => ` ${name.toLowerCase()}`).filter((name) => text.split(" ").every((word) => name.includes(word)));
      const begins = spots.some((name) => name.startsWith(` ${text}`)) ? 0 : spots.some((name) => name.includes(` ${text}`)) ? 1 : 2;
      return spots.length ? { ...choice, rank: begins * 1000 + place } : null;
    });
    return ranked.filter(Boolean).sort((a, b) => a.rank - b.rank).slice(0, MOST_OFFERED);
  }

  get words() { return this.input.value.trim().replace(/\s+/g, " "); }

  typed() {
    this.facts = [];
    this.offer();
    clearTimeout(this.timer);
    const words = this.words;
    if (words.length > 1 || /[^\x00-\x7F]/.test(words)) this.timer = setTimeout(() => this.lookUp(words), ASK_AFTER);
  }

  /** Species of the world with such a name, below those of this survey; what is chosen stays chosen. */
  async lookUp(words) {
    const answer = await fetch(`/api/species?q=${encodeURIComponent(words)}`).catch(() => null);
    const found = answer?.ok ? await answer.json() : [];
    if (words !== this.words || this.node.hidden) return;
    const chosen = this.rows[this.at]?.name;
    this.facts = found;
    this.offer();
    const place = this.rows.findIndex((row) => row.name === chosen && row.hint !== "as typed");
    if (place >= 0) this.at = place;
    this.show();
  }

  offer() {
    const typed = this.words;
    const own = typed ? this.fitting(typed) : this.first();
    const found = [...own, ...this.facts.filter((fact) => !own.some((other) => other.name === fact.name))].slice(0, MOST_OFFERED);
    this.rows = found.map((species) => ({ name: species.name, label: species.name, hint: [species.name === this.hint?.name ? `hint ${score(this.hint.score)}` : "", species.common, species.used ? `${species.used}×` : ""].filter(Boolean).join(" · ") }));
    if (typed && !found.some((species) => species.name.toLowerCase() === typed.toLowerCase())) this.rows.push({ name: typed, label: typed, hint: "as typed" });
    if (!typed && this.present) this.rows.push({ name: null, label: "No species", hint: "takes the label away" });
    const sure = typed || this.present || this.hint || this.last;
    this.at = sure && this.rows.length ? 0 : -1;
    this.show();
  }

  /** Before anything is typed: the hint, the present label, the last one given, then those used most. */
  first() {
    const names = [this.hint?.name, this.present, this.last, ...this.choices.map((choice) => choice.name)].filter(Boolean);
    return [...new Set(names)].slice(0, MOST_OFFERED - 1).map((name) => this.choices.find((choice) => choice.name === name) || { name, common: "", used: 0 });
  }

  show() {
    this.list.replaceChildren(...this.rows.map((row, place) => el("div", `offer ${place === this.at ? "on" : ""}`,
      { role: "option", id: `offer-${place}`, "aria-selected": String(place === this.at), onpointerdown: (event) => { event.preventDefault(); this.take(place); } },
      el("span", "", null, row.label), el("span", "faint", null, row.hint))));
    this.input.setAttribute("aria-activedescendant", this.at >= 0 ? `offer-${this.at}` : "");
  }

  take(place) {
    const row = this.rows[place];
    if (row?.name) this.last = row.name;
    this.close();
    this.keep(row ? row.name : undefined);
  }

  press(event) {
    event.stopPropagation();
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && this.rows.length) {
      this.at = (this.at + steps[event.key] + this.rows.length) % this.rows.length;
      this.show();
    } else if (event.key === "Enter" && !event.isComposing) this.take(this.at);
    else if (event.key === "Escape" || event.key === "Tab") this.take(-1);
    else return;
    event.preventDefault();
  }
}
