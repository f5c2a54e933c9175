// Who is this? One query against its ranked candidates, decided by keys. Decisions are kept until they are in the survey.

import { Actions } from "../../shared/actions.js";
import { clamp, el, keyButton, mount } from "../../shared/dom.js";
import { Held, isDrawn } from "../../shared/held.js";
import { keyPanel, listenKeys, takeFocus } from "../../shared/keys.js";
import { Burst } from "./burst.js";
import { candidateCard, evidenceText, proposalText, warningText } from "./cards.js";
import { Conflict } from "./conflict.js";
import { FLANKS, pressMatch } from "./keyboard.js";
import { heldOrders, likelyNamed } from "./order.js";
import { Pair, scaled } from "./pair.js";
import { Sheet } from "./sheet.js";
import { Way } from "./way.js";

const UNANSWERED = 6000;
// Milliseconds for which the script may be at its answer before it is sent the next message, which would break it off.
const PATIENCE = 2000;
// Queries ready beside the one on the screen, from which more are asked for at once.
const FEW_READY = 4;
// Milliseconds: a candidate that a new ranking brought is not decided about before it can have been seen.
const SEEN_AFTER = 700;
const NARROW = 760;
const VIEWS = { pair: ["Pair", "P"], lines: ["Lines", "L"], heat: ["Heat map", "H"] };
const ENDS = ["same", "new", "unidentifiable", "identity unsure"];
const DECIDE = [...ENDS, "different", "unsure", "alone"];

class Match {
  constructor(root, data) {
    Object.assign(this, { pages: [], at: 0, chosen: 0, ask: null, wanted: null, byHand: false, movedAt: -SEEN_AFTER, asked: null, other: false, turn: data.turn || 0, sentAt: null, unsent: false });
    this.actions = new Actions(data.store, () => this.tell());
    this.held = new Held((text) => this.say(text));
    this.pair = new Pair();
    this.sheet = new Sheet((place) => { this.candidate.at = place; this.sheet.open = false; this.draw(); this.strip.focus({ preventScroll: true }); });
    this.pair.candidate.view.append(this.sheet.node);
    this.burst = new Burst(() => this.act("alone"));
    this.conflict = new Conflict((conflict, way) => this.solve(conflict, way), (conflict) => this.goTo(conflict.action.query_id));
    this.scope = el("div", "scope faint", null, "");
    this.figures = el("span", "words", { role: "status" });
    this.way = new Way();
    this.note = el("div", "note", { role: "status" }, "");
    this.strip = el("div", "strip", { role: "listbox", "aria-label": "Candidates", tabIndex: 0 });
    this.saved = el("span", "faint saved", { role: "status" }, "");
    const button = (label, key, action, classes) => keyButton(label, key, () => this.act(action), classes);
    this.views = Object.fromEntries(Object.entries(VIEWS).map(([view, [label, key]]) => [view, button(label, key, view, "view-choice")]));
    this.maskButton = button("Mask background", "B", "masked");
    this.otherButton = button("Other evidence", "M", "other");
    this.sheetButton = button("All its crops", "C", "sheet");
    this.viewBox = el("div", "views", { role: "group", "aria-label": "View" }, ...Object.values(this.views), this.maskButton, this.otherButton, this.sheetButton);
    this.flanks = Object.entries(FLANKS).map(([key, flank]) => keyButton(flank, key, () => this.setFlank(flank), "flank"));
    this.proposal = el("span", "faint proposal", null, "");
    this.buttons = el("div", "buttons", null, button("Same", "Enter", "same", "mark same main"), button("Different", "X", "different", "mark different"),
      button("Unsure", "U", "unsure", "mark unsure"), button("New individual", "N", "new"), button("Nobody can tell", "I", "unidentifiable"), button("Later", "W", "identity unsure"),
      button("Undo", "Z", "undo"), button("Previous", "K", "previous"), button("Next", "J", "next"), button("Keys", "?", "help"));
    this.flankBox = el("div", "flanks", { role: "group", "aria-label": "Flank of the query" }, el("span", "faint", null, "Query shows"), ...this.flanks, this.proposal);
    this.help = keyPanel(data.keys);
    this.node = el("div", "pm match", null, this.conflict.node, el("div", "top", null, this.viewBox, this.pair.tools), this.pair.node, el("div", "figures", null, this.figures, this.way.node),
      el("div", "controls", null, this.buttons, this.burst.node, this.flankBox, this.note, this.saved), this.scope, this.strip, this.help);
    root.append(this.node);
    this.strip.addEventListener("click", (event) => this.click(event));
    this.stop = listenKeys(root, data.store, (event, inside) => pressMatch(this, event, inside));
    this.leaving = () => { this.sentAt = null; this.actions.flush(); };
    window.addEventListener("pagehide", this.leaving);
    requestAnimationFrame(() => takeFocus(this.strip));
  }

  update(data) {
    const before = this.current?.query.id;
    this.kept = this.candidate || this.kept;
    const given = data.query ? [{ query: data.query, candidates: data.candidates || [], evidence: data.evidence || {} }, ...(data.upcoming || [])] : [];
    this.given = heldOrders(given, this.given || [], data.computing && data.choices === this.data?.choices);
    this.data = data;
    if (data.turn === this.turn) this.sentAt = null;
    this.actions.acknowledge(data.ack, data.as_of);
    this.scope.textContent = this.scope.title = data.scope_text || "";
    this.rebuild();
    if (this.ask) this.arrived();
    const kept = this.pages.findIndex((page) => page.query.id === before);
    if (!this.ask) this.at = kept >= 0 && !this.jumped ? kept : 0;
    this.jumped = false;
    if (this.current?.query.id !== before) this.open();
    else { this.stay(); this.draw(); }
    this.conflict.update(data.conflicts);
    this.prefetched = this.pages.slice(this.at + 1).flatMap((page) => fetchAhead(page));
    if (this.unsent) this.actions.schedule();
  }

  /** The script answered our wish for another query, or says by staying that there is none. */
  arrived() {
    const first = this.pages[0]?.query.id;
    const answered = this.ask.step === 0 ? first === this.ask.query : first !== this.ask.query;
    if (answered || !this.actions.waiting.length) {
      if (!answered && this.ask.step) this.say(this.ask.step > 0 ? "This was the last query." : "This is the first query.");
      this.ask = null;
      this.jumped = true;
    }
  }

  get current() { return this.pages[this.at]; }
  get candidate() { return this.current?.candidates[this.chosen]; }
  pageOf(id) { return this.pages.find((page) => page.query.id === id); }
  /** The crop of the chosen candidate that is shown and decided about. */
  get shown() { return this.candidate && shownOf(this.candidate); }
  /** Whether what a decision is about is drawn: the query, and the candidate where the decision is about both. */
  drawn(kind) {
    if (this.ask || !this.current) return false;
    const about = kind === "identity unsure" ? [] : ENDS.includes(kind) && kind !== "same" ? [this.pair.query] : [this.pair.query, this.pair.candidate];
    return about.every((side) => !side.src || isDrawn(side.picture));
  }

  get evidence() { return this.shown ? this.evidenceOf(this.candidate) : null; }

  evidenceOf(candidate) {
    const known = this.current?.evidence?.[shownOf(candidate).id];
    if (this.other && known?.other) return known.other;
    return known || (candidate.lines && !candidate.at ? { lines: candidate.lines } : null);
  }

  /** Whether RAPID and the matcher have both compared what is shown; the one that shows more is drawn by itself. */
  get hasOther() { return Boolean(this.shown && this.current?.evidence?.[this.shown.id]?.other); }

  /** The script's data with the decisions under way on top, and the crops of each candidate that were turned to. */
  rebuild() {
    const turned = new Map(this.pages.flatMap((page) => page.candidates.map((candidate) => [`${page.query.id}-${candidate.id}`, candidate.at || 0])));
    this.pages = (this.given || []).map(({ query, candidates, evidence }) => ({
      query: { ...query }, evidence: evidence || {}, candidates: candidates.map((candidate) => ({ ...candidate, at: turned.get(`${query.id}-${candidate.id}`) || 0 })),
    }));
    for (const action of this.actions.effective()) {
      const assigned = action.kind === "same" && this.pageOf(action.candidate_id);
      if (assigned) assigned.query.decided = "just said the same";
      for (const other of this.pages) if (action.together?.includes(other.query.id)) other.query.decided = "decided with its burst";
      const page = this.pageOf(action.query_id);
      if (!page) continue;
      const candidate = page.candidates.find((crop) => crop.id === action.candidate_id || crop.views?.some((view) => view.id === action.candidate_id));
      if (action.kind === "flank") page.query.flank = action.flank;
      else if (action.kind === "new") page.query.decided = "new individual";
      else if (action.kind === "unidentifiable") page.query.decided = "nobody can tell";
      else if (action.kind === "identity unsure") page.query.decided = "for later";
      else if (candidate && action.kind !== "solve") candidate.verdict = action.kind;
      if (action.kind === "same" && candidate) page.query.decided = `same as ${candidate.name || "the chosen crop"}`;
      if (["new", "same"].includes(action.kind)) this.nameCrops([action.query_id, action.candidate_id, ...(action.together || [])]);
    }
  }

  /** Crops that were just named, where they are candidates of other queries. */
  nameCrops(ids) {
    for (const page of this.pages) for (const candidate of page.candidates) if (!candidate.name && ids.includes(candidate.id)) candidate.name = "just named";
  }

  open() {
    this.pair.reset();
    this.byHand = this.sheet.open = this.burst.alone = false;
    const undecided = this.current?.candidates.findIndex((candidate) => !candidate.verdict) ?? -1;
    const named = likelyNamed(this.current?.candidates || []);
    this.kept = null;
    this.chosen = Math.max(named >= 0 ? named : undecided, 0);
    this.draw();
  }

  /**
   * Stay with the candidate that is looked at when the same query comes with another ranking. A named one that is
   * probably the same comes first, and so does the matcher's first, unless a candidate was chosen by hand.
   */
  stay() {
    if (!this.kept || !this.current?.candidates.length) return;
    const { id, individual_id: individual } = this.kept;
    const place = this.current.candidates.findIndex((candidate) => candidate.id === id || (individual && candidate.individual_id === individual));
    this.kept = null;
    if (place < 0) this.say("The candidates have been ranked again, without the one you looked at: choose one.");
    this.chosen = place;
    const named = likelyNamed(this.current.candidates), anew = this.current.query.anew;
    if (anew && place >= 0) this.say("The matcher has ranked the candidates anew.");
    const best = named >= 0 ? named : anew ? this.current.candidates.findIndex((candidate) => !candidate.verdict) : place;
    if (this.byHand || this.pair.zoom > 1 || place < 0 || best < 0 || best === place) return;
    this.chosen = best;
    this.movedAt = performance.now();
    this.say(`Ranked anew: ${this.candidate.name || "another crop"} is compared now.`);
  }

  draw() {
    const page = this.current;
    this.node.classList.toggle("waiting", Boolean(this.ask));
    this.node.classList.toggle("empty", !page);
    if (!page) return;
    this.chosen = clamp(this.chosen, -1, Math.max(page.candidates.length - 1, 0));
    const { candidate, evidence } = this;
    this.pair.show(page.query, candidate && { ...shownOf(candidate), name: candidate.name, probability: candidate.probability }, scaled(evidence));
    this.strip.replaceChildren(...(page.candidates.length ? page.candidates.map((crop, place) => candidateCard(crop, shownOf(crop), place, place === this.chosen, this.evidenceOf(crop)))
      : [el("div", "faint none", null, page.query.ranked === false ? "Ranking the candidates …" : "No candidates within this scope: widen the scope, or N makes a new individual.")]));
    this.strip.setAttribute("role", page.candidates.length ? "listbox" : "group");
    if (candidate) this.strip.setAttribute("aria-activedescendant", `card-${this.chosen}`);
    this.flanks.forEach((button, number) => press_(button, FLANKS[number + 1] === page.query.flank, FLANKS[number + 1] === page.query.proposal?.flank && proposalText(page.query)));
    this.proposal.textContent = proposalText(page.query);
    for (const [view, button] of Object.entries(this.views)) press_(button, view === this.pair.view);
    press_(this.maskButton, this.pair.masked);
    press_(this.otherButton, this.other);
    this.otherButton.hidden = !this.hasOther;
    this.sheetButton.hidden = !(candidate?.views?.length > 1);
    this.sheet.show(candidate);
    this.burst.show(page.query);
    press_(this.sheetButton, !this.sheet.node.hidden);
    this.drawFigures(evidence);
    this.tellSaved();
    this.wantEvidence();
    if (!this.placed && page.candidates.length) this.comeIntoView();
  }

  /** Where the window is too low for all, the choices above the view are scrolled away when it opens: decisions and candidates stand in it. On a phone nothing is: they would not. */
  comeIntoView() {
    this.placed = true;
    if (window.innerWidth > NARROW) requestAnimationFrame(() => this.node.scrollIntoView({ block: "nearest" }));
  }

  drawFigures(evidence) {
    const warning = warningText(evidence), counted = evidence && evidence.whole === undefined ? "" : evidenceText(evidence, this.pair.masked, Boolean(this.candidate) && this.data.computing);
    this.figures.replaceChildren(...(warning ? [el("span", "warning", null, warning)] : []), el("span", evidence ? "" : "faint", null, counted));
    this.way.show(this.candidate?.by_way_of || []);
  }

  /** Ask for the evidence of what is looked at when the script has not sent it. */
  wantEvidence() {
    const missing = this.shown && !this.evidence && this.data.computing ? this.shown.id : null;
    if (missing !== null && missing !== this.wanted) this.actions.schedule(250);
    this.wanted = missing;
  }

  choose(place) {
    if (!this.current?.candidates.length) return;
    this.byHand = true;
    this.movedAt = -SEEN_AFTER;
    this.chosen = clamp(place, 0, this.current.candidates.length - 1);
    this.draw();
    this.strip.children[this.chosen]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  step(by) {
    if (!this.held.keep(() => this.step(by))) this.choose(this.chosen + by);
  }

  click(event) {
    const card = event.target.closest(".card");
    this.held.giveUp();
    if (card) this.choose(Number(card.dataset.place));
    this.strip.focus({ preventScroll: true });
  }

  // Actions

  act(name) {
    if (this.held.keep(() => this.act(name), DECIDE.includes(name) ? () => this.drawn(name) : undefined)) return;
    const look = (change) => () => { change(); this.draw(); };
    const known = {
      next: () => this.go(1), previous: () => this.go(-1), undo: () => this.undo(), help: () => { this.help.hidden = !this.help.hidden; },
      pair: look(() => { this.pair.view = "pair"; }), lines: look(() => { this.pair.view = "lines"; }), heat: look(() => { this.pair.view = "heat"; }),
      toggle: look(() => { this.pair.view = this.pair.view === "lines" ? "pair" : "lines"; }), masked: look(() => { this.pair.masked = !this.pair.masked; }), other: look(() => { this.other = !this.other; }), sheet: look(() => { this.sheet.open = !this.sheet.open; }), alone: look(() => { this.burst.alone = !this.burst.alone; }),
      before: look(() => this.turnTo(-1)), after: look(() => this.turnTo(1)), turn: () => this.pair.turnBy(90), mirror: () => { this.pair.flipped = !this.pair.flipped; this.pair.place(); },
    };
    (known[name] || (() => this.decide(name)))();
    if (name !== "help" && !this.conflict.now) this.strip.focus({ preventScroll: true });
  }

  turnTo(step) {
    const many = this.candidate?.views?.length || 0;
    if (many > 1) this.candidate.at = ((this.candidate.at || 0) + step + many) % many;
  }

  decide(kind) {
    const alone = ENDS.includes(kind) && kind !== "same";
    if (!alone && !this.candidate) { this.say("There is no candidate to decide on."); return; }
    if (!alone && this.mustLookAgain(kind)) return;
    const about = alone ? {} : { candidate_id: this.shown.id, individual_id: this.candidate.individual_id ?? null };
    if (ENDS.includes(kind) && this.burst.together.length) about.together = this.burst.together;
    const view = this.pair.view + (this.pair.masked ? ", background masked" : "");
    this.actions.add({ kind, query_id: this.current.query.id, view, model: this.data.model, ...about });
    this.rebuild();
    if (ENDS.includes(kind)) this.go(1);
    else this.nextCandidate();
  }

  /** Whether a decision about the chosen candidate has to wait for another look, which is asked for in words. */
  mustLookAgain(kind) {
    if (performance.now() - this.movedAt < SEEN_AFTER) { this.say("The candidate has just changed: look at it, then decide."); return true; }
    const named = kind === "same" && !this.candidate.name ? likelyNamed(this.current.candidates) : -1;
    const asked = `${this.current.query.id}-${this.candidate.id}`;
    if (named < 0 || this.asked === asked) return false;
    this.asked = asked;
    this.choose(named);
    this.movedAt = performance.now();
    this.say(`${this.candidate.name} looks the same: Enter joins it. To keep them apart, choose the other crop again.`);
    return true;
  }

  nextCandidate() {
    const next = this.current.candidates.findIndex((candidate, place) => place > this.chosen && !candidate.verdict);
    if (next >= 0) this.choose(next);
    else { this.draw(); this.say("That was the last candidate: N makes a new individual, J goes on."); }
  }

  setFlank(flank) {
    if (this.held.keep(() => this.setFlank(flank), () => this.drawn("new"))) return;
    this.actions.add({ kind: "flank", query_id: this.current.query.id, flank, shown: this.current.query.flank });
    this.rebuild();
    this.draw();
    this.strip.focus({ preventScroll: true });
  }

  solve(conflict, way) {
    this.actions.add({ kind: "solve", query_id: conflict.action.query_id, way: way.kind, about: way.about, then: conflict.action });
    this.strip.focus({ preventScroll: true });
    this.say("Solved and decided; Z takes it back.");
  }

  /** Another query: at once when it is here already, else asked of the script. */
  go(step) {
    if (!this.current) return;
    const ready = this.pages.findIndex((page, place) => (step > 0 ? place > this.at && !page.query.decided : place === this.at + step));
    if (!this.ask && ready >= 0) {
      this.at = ready;
      this.open();
      this.actions.schedule(this.at > this.pages.length - FEW_READY ? 0 : 400);
      return;
    }
    if (!this.ask && step > 0 && this.data.last && !this.actions.waiting.length) { this.say("This was the last query."); return; }
    const from = this.ask && this.ask.step ? this.ask : { query: this.current.query.id, step: 0 };
    const asked = { query: from.query, step: from.step + step };
    this.ask = asked;
    this.draw();
    this.actions.schedule();
    setTimeout(() => { if (this.ask === asked && !this.actions.waiting.length) { this.ask = null; this.draw(); } }, UNANSWERED);
  }

  goTo(queryId) {
    this.ask = this.current?.query.id === queryId ? null : { query: queryId, step: 0 };
    this.draw();
    this.actions.schedule();
    this.strip.focus({ preventScroll: true });
  }

  undo() {
    const undone = this.actions.undo();
    this.rebuild();
    const place = undone ? this.pages.findIndex((page) => page.query.id === undone.query_id) : -1;
    if (place >= 0) {
      this.ask = null;
      if (place !== this.at) { this.at = place; this.open(); } else this.draw();
    } else if (undone) this.ask = { query: undone.query_id, step: 0 };
    this.draw();
    this.say(undone ? "Undone." : "Undoing your last decision.");
  }

  say(text) {
    this.note.textContent = text;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => { this.note.textContent = ""; }, 3500);
  }

  tell() {
    this.unsent = this.sentAt !== null && performance.now() - this.sentAt < PATIENCE;
    if (this.unsent) { this.actions.schedule(PATIENCE); return; }
    this.sentAt = performance.now();
    this.turn += 1;
    const wish = this.ask || { query: this.current?.query.id ?? null, step: 0 };
    this.send("identify", { actions: this.actions.waiting, query: wish.query, step: wish.step, look: this.wanted, turn: this.turn });
    this.tellSaved();
  }

  tellSaved() {
    this.saved.textContent = this.actions.saved;
  }

  close() {
    this.held.close();
    this.stop();
    this.sentAt = null;
    this.pair.watch.disconnect();
    window.removeEventListener("pagehide", this.leaving);
    this.actions.close();
  }
}

/** The crop of a candidate that was turned to; by itself the best one. */
function shownOf(candidate) {
  return candidate.at && candidate.views?.[candidate.at] ? candidate.views[candidate.at] : candidate;
}

/** Have the browser fetch the first crops of a page before it is opened. */
function fetchAhead(page) {
  return [page.query, ...page.candidates.slice(0, 4)].map((crop) => Object.assign(new Image(), { src: crop.src }));
}

function press_(button, on, likely) {
  button.classList.toggle("on", on);
  button.classList.toggle("likely", Boolean(likely));
  button.setAttribute("aria-pressed", String(on));
}

export default function (component) {
  return mount(component, (root, data) => new Match(root, data));
}
