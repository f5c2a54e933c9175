// What a person did, kept until the script says that it is in the survey. The whole list is sent each time, so that a
// message overtaken by a later one loses nothing; every action carries an id, so that applying it twice changes nothing.

import { count, newId } from "./dom.js";

const SEND_EVERY = 120;
// Begins the id of every action of this page: two tabs of one person are told apart by it.
const TAB = newId().slice(0, 8);

export class Actions {
  /** store: a name for this list in the tab's storage; changed(): called when something has to be sent. */
  constructor(store, send) {
    this.store = `pugmark:${store}`;
    this.sendNow = send;
    this.waiting = [];
    this.history = [];
    this.undone = [];
    this.last = 0;
    this.sentAt = 0;
    this.timer = null;
    this.opened = false;
    this.seen = null;
  }

  /** Take the script's word: everything up to `ack` is in the survey, and what is shown was read at `seen`. */
  acknowledge(ack, seen) {
    const applied = Number(ack) || 0;
    this.seen = seen;
    if (!this.opened) this.restore(applied);
    this.last = Math.max(this.last, applied);
    this.waiting = this.waiting.filter((action) => action.n > applied);
    this.keep();
  }

  /** After a reload: send again what the page before this one may not have got through. */
  restore(applied) {
    this.opened = true;
    let kept = [];
    try {
      kept = JSON.parse(sessionStorage.getItem(this.store) || "[]");
    } catch (error) {
      console.warn("Pugmark: kept actions are unreadable", error);
    }
    this.last = applied;
    this.waiting = kept.map((action) => ({ ...action, n: ++this.last }));
    if (this.waiting.length) this.schedule();
  }

  add(action) {
    const full = { n: ++this.last, uuid: `${TAB}.${newId()}`, seen: this.seen, ...action };
    this.waiting.push(full);
    if (full.kind !== "undo" && full.kind !== "redo") {
      this.history.push(full);
      this.undone = [];
    }
    this.keep();
    this.schedule();
    return full;
  }

  /** Undo the newest action of this visit, or whatever the survey has as this person's last one. */
  undo() {
    const undone = this.history.pop();
    if (undone) this.undone.push(undone);
    this.add({ kind: "undo", undoes: undone ? undone.uuid : null, media_id: undone ? undone.media_id : null });
    return undone;
  }

  /** Make again what was undone last; the survey knows it under the redo's own id from then on. */
  redo() {
    const again = this.undone.pop();
    const full = this.add({ kind: "redo", redoes: again ? again.uuid : null, media_id: again ? again.media_id : null });
    if (again) this.history.push({ ...again, uuid: full.uuid });
    return again;
  }

  /** Those not in the survey yet and not undone, in order: what to draw on top of the script's data. */
  effective() {
    const standing = new Map(this.waiting.map((action) => [action.uuid, action]));
    for (const action of this.waiting) {
      if (action.kind === "undo") standing.delete(action.undoes);
      if (action.kind !== "undo" && action.kind !== "redo") continue;
      standing.delete(action.uuid);
      const again = action.kind === "redo" && this.waiting.find((earlier) => earlier.uuid === action.redoes);
      if (again) standing.set(action.uuid, again);
    }
    return [...standing.values()].filter((action) => action.kind !== "redo" && action.kind !== "undo");
  }

  /** Send soon: at once, or at the end of the pause after the last message. With `later`, no hurry (milliseconds). */
  schedule(later = 0) {
    const due = Math.max(performance.now() + later, this.sentAt + SEND_EVERY);
    if (this.timer !== null && this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.flush(), due - performance.now());
  }

  /** Whether all of it is in the survey, in words; nothing where nothing was done. */
  get saved() {
    return this.waiting.length ? `Saving ${count(this.waiting.length, "decision")}` : this.history.length ? "All decisions saved" : "";
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    this.sentAt = performance.now();
    this.sendNow();
  }

  keep() {
    try {
      if (this.waiting.length) sessionStorage.setItem(this.store, JSON.stringify(this.waiting));
      else sessionStorage.removeItem(this.store);
    } catch (error) {
      console.warn("Pugmark: the tab's storage is full or closed", error);
    }
  }

  close() {
    if (this.timer !== null) this.flush();
  }
}
