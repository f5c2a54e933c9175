// Who is this? One query against its ranked candidates, decided by keys. Decisions are kept until they are in the survey.

const MATCH_KEYS = [
  ["← →", "choose a candidate"], ["Enter", "same animal, next query"], ["X", "different, next candidate"], ["U", "unsure, next candidate"],
  ["N", "new individual, next query"], ["1 2 3 4", "query shows left, right, other, unknown"], ["↓ ↑", "next, previous query (or J K)"],
  ["V", "matched features as lines"], ["Z", "undo"], ["+ -", "zoom both, 0 fits"], ["?", "these keys"],
];
const FLANKS = { 1: "left", 2: "right", 3: "other", 4: "unknown" };
const VERDICTS = { same: "✓ same", different: "✕ different", unsure: "? unsure" };

class Match {
  constructor(root, data) {
    this.pages = [];
    this.at = 0;
    this.chosen = 0;
    this.ask = null;
    this.actions = new Actions(data.store, () => this.tell());
    this.pair = new Pair();
    this.scope = el("div", "scope faint", null, "");
    this.note = el("div", "note", { role: "status" }, "");
    this.strip = el("div", "strip", { role: "listbox", "aria-label": "Candidates", tabIndex: 0 });
    this.saved = el("span", "faint saved", { role: "status" }, "");
    const button = (label, key, action, classes) => keyButton(label, key, () => this.act(action), classes);
    this.flanks = Object.entries(FLANKS).map(([key, flank]) => keyButton(flank, key, () => this.setFlank(flank), "flank"));
    this.buttons = el("div", "buttons", null, button("Same", "Enter", "same", "mark same"), button("Different", "X", "different", "mark different"),
      button("Unsure", "U", "unsure", "mark unsure"), button("New individual", "N", "new"), button("Undo", "Z", "undo"),
      this.linesButton = button("Matches", "V", "lines"), button("Previous", "K", "previous"), button("Next", "J", "next"), button("Keys", "?", "help"));
    this.flankBox = el("div", "flanks", { role: "group", "aria-label": "Flank of the query" }, el("span", "faint", null, "Query shows"), ...this.flanks);
    this.help = keyPanel(MATCH_KEYS);
    this.node = el("div", "pm match", null, el("div", "top", null, this.scope, this.pair.tools), this.pair.node, this.note,
      el("div", "controls", null, this.buttons, this.flankBox, this.saved), this.strip, this.help);
    root.append(this.node);
    this.strip.addEventListener("click", (event) => this.click(event));
    this.stop = listenKeys(root, (event, inside) => this.press(event, inside));
    this.leaving = () => this.actions.flush();
    window.addEventListener("pagehide", this.leaving);
    requestAnimationFrame(() => takeFocus(this.strip));
  }

  update(data) {
    const before = this.current?.query.id;
    this.data = data;
    this.actions.acknowledge(data.ack);
    this.scope.textContent = data.scope_text || "";
    this.given = data.query ? [{ query: data.query, candidates: data.candidates || [] }, ...(data.upcoming || [])] : [];
    this.rebuild();
    if (this.ask) this.arrived();
    const kept = this.pages.findIndex((page) => page.query.id === before);
    if (!this.ask) this.at = kept >= 0 && !this.jumped ? kept : 0;
    this.jumped = false;
    if (this.current?.query.id !== before) this.open();
    else this.draw();
    for (const page of this.pages.slice(this.at, this.at + 2)) this.fetchAhead(page);
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

  fetchAhead(page) {
    this.prefetched = [page.query, ...page.candidates.slice(0, 3)].map((crop) => Object.assign(new Image(), { src: crop.src }));
  }

  get current() { return this.pages[this.at]; }
  get candidate() { return this.current?.candidates[this.chosen]; }

  /** The script's data with the decisions under way on top. */
  rebuild() {
    this.pages = (this.given || []).map(({ query, candidates }) => ({ query: { ...query }, candidates: candidates.map((one) => ({ ...one })) }));
    for (const action of this.actions.effective()) {
      const page = this.pages.find((one) => one.query.id === action.query_id);
      if (!page) continue;
      const candidate = page.candidates.find((one) => one.id === action.candidate_id);
      if (action.kind === "flank") page.query.flank = action.flank;
      else if (action.kind === "new") page.query.decided = "new individual";
      else if (candidate) candidate.verdict = action.kind;
      if (action.kind === "same" && candidate) page.query.decided = `same as ${candidate.name || "the chosen crop"}`;
    }
  }

  open() {
    this.pair.reset();
    const wanted = this.at === 0 ? this.current?.candidates.findIndex((one) => one.id === this.data.selected) ?? -1 : -1;
    const undecided = this.current?.candidates.findIndex((one) => !one.verdict) ?? -1;
    this.chosen = Math.max(wanted >= 0 ? wanted : undecided, 0);
    this.draw();
  }

  draw() {
    const page = this.current;
    this.node.classList.toggle("waiting", Boolean(this.ask));
    this.node.classList.toggle("empty", !page);
    if (!page) return;
    this.chosen = clamp(this.chosen, 0, Math.max(page.candidates.length - 1, 0));
    this.pair.show(page.query, this.candidate);
    this.strip.replaceChildren(...(page.candidates.length ? page.candidates.map((one, place) => this.card(one, place))
      : [el("div", "faint none", null, "No candidates within this scope: widen the scope, or N makes a new individual.")]));
    const matched = page.candidates.some((one) => one.lines?.length);
    this.linesButton.hidden = !matched;
    this.linesButton.classList.toggle("on", this.pair.lines.shown);
    this.linesButton.setAttribute("aria-pressed", String(this.pair.lines.shown));
    this.flanks.forEach((button, number) => {
      const on = FLANKS[number + 1] === page.query.flank;
      button.classList.toggle("on", on);
      button.setAttribute("aria-pressed", String(on));
    });
    this.tellSaved();
  }

  card(one, place) {
    const probability = one.probability === null || one.probability === undefined;
    const kept = one.verdict ? el("span", `verdict ${one.verdict}`, null, VERDICTS[one.verdict] || one.verdict) : null;
    const detail = [one.model, one.raw === null || one.raw === undefined ? null : Number(one.raw).toFixed(3),
      one.matches === null || one.matches === undefined ? null : `${one.matches} kp`].filter((part) => part !== null && part !== undefined);
    const name = el("span", one.name ? "name" : "name faint", null, one.name || "not named");
    const card = el("div", "card", { role: "option", id: `card-${place}`, "data-place": String(place), "aria-selected": String(place === this.chosen) },
      el("div", "crop", null, el("img", "", { src: one.src, alt: "", draggable: false }), kept),
      el("div", "line", null, name, probability ? null : el("span", "probability", { title: "probability that it is the same animal" }, score(one.probability))),
      el("div", "line faint small", null, probability ? "no probability yet" : flankWord(one.flank), ""),
      el("div", "line faint small", null, detail.join(" · ")));
    card.classList.toggle("on", place === this.chosen);
    if (place === this.chosen) this.strip.setAttribute("aria-activedescendant", card.id);
    return card;
  }

  choose(place) {
    if (!this.current?.candidates.length) return;
    this.chosen = clamp(place, 0, this.current.candidates.length - 1);
    this.draw();
    this.strip.children[this.chosen]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  click(event) {
    const card = event.target.closest(".card");
    if (card) this.choose(Number(card.dataset.place));
    this.strip.focus({ preventScroll: true });
  }

  // Actions

  act(name) {
    const known = {
      next: () => this.go(1), previous: () => this.go(-1), undo: () => this.undo(), new: () => this.decide("new"),
      lines: () => { this.pair.lines.shown = !this.pair.lines.shown; this.draw(); },
      help: () => { this.help.hidden = !this.help.hidden; }, same: () => this.decide("same"), different: () => this.decide("different"), unsure: () => this.decide("unsure"),
    };
    known[name]();
    if (name !== "help") this.strip.focus({ preventScroll: true });
  }

  decide(kind) {
    if (this.ask || !this.current) return;
    if (kind !== "new" && !this.candidate) { this.say("There is no candidate to decide on."); return; }
    const { query } = this.current;
    const about = kind === "new" ? {} : { candidate_id: this.candidate.id, individual_id: this.candidate.individual_id ?? null };
    this.actions.add({ kind, query_id: query.id, ...about });
    this.rebuild();
    if (kind === "same" || kind === "new") this.go(1);
    else this.nextCandidate();
  }

  nextCandidate() {
    const next = this.current.candidates.findIndex((one, place) => place > this.chosen && !one.verdict);
    if (next >= 0) this.choose(next);
    else { this.draw(); this.say("That was the last candidate: N makes a new individual, J goes on."); }
  }

  setFlank(flank) {
    if (this.ask || !this.current) return;
    this.actions.add({ kind: "flank", query_id: this.current.query.id, flank });
    this.rebuild();
    this.draw();
    this.strip.focus({ preventScroll: true });
  }

  /** Another query: at once when it is here already, else asked of the script. */
  go(step) {
    if (!this.current) return;
    if (!this.ask && this.pages[this.at + step]) {
      this.at += step;
      this.open();
      this.actions.schedule(this.at >= this.pages.length - 1 ? 0 : 400);
      return;
    }
    const from = this.ask && this.ask.step ? this.ask : { query: this.current.query.id, step: 0 };
    this.ask = { query: from.query, step: from.step + step };
    this.draw();
    this.actions.schedule();
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

  press(event, inside) {
    if (event.type === "keyup" || event.ctrlKey || event.altKey) return false;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const target = event.composedPath()[0];
    if (inside && target.closest?.("button,input") && (["Enter", " ", "Tab"].includes(key) || (target.matches("input") && key.startsWith("Arrow")))) return false;
    const named = { Enter: "same", x: "different", u: "unsure", n: "new", z: "undo", v: "lines", j: "next", k: "previous", ArrowDown: "next", ArrowUp: "previous", "?": "help" }[key];
    if (named) this.act(named);
    else if (key === "ArrowLeft" || key === "ArrowRight") this.choose(this.chosen + (key === "ArrowRight" ? 1 : -1));
    else if (FLANKS[key]) this.setFlank(FLANKS[key]);
    else if (key === "+" || key === "=") this.pair.zoomBy(1.25);
    else if (key === "-") this.pair.zoomBy(0.8);
    else if (key === "0") this.pair.reset();
    else if (key === "Escape" && !this.help.hidden) this.help.hidden = true;
    else return false;
    return true;
  }

  tell() {
    const wish = this.ask || { query: this.current?.query.id ?? null, step: 0 };
    this.send("identify", { actions: this.actions.waiting, query: wish.query, step: wish.step });
    this.tellSaved();
  }

  tellSaved() {
    const waiting = this.actions.waiting.length;
    this.saved.textContent = waiting ? `Saving ${count(waiting, "decision")}` : this.actions.history.length ? "All decisions saved" : "";
  }

  close() {
    this.stop();
    this.pair.watch.disconnect();
    window.removeEventListener("pagehide", this.leaving);
    this.actions.close();
  }
}

export default function (component) {
  return mount(component, (root, data) => new Match(root, data));
}
