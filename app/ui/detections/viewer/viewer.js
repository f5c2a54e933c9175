// One media large: boxes, keyboard review, drawing. It moves among a window of media by itself and reports afterwards.

import { Actions } from "../../shared/actions.js";
import { besideNode, boxNode, counts, hidesPerson, hintOf, mosaic } from "../../shared/boxes.js";
import { clamp, count, Echo, el, mount, sayIn } from "../../shared/dom.js";
import { Held } from "../../shared/held.js";
import { keyPanel, listenKeys, takeFocus } from "../../shared/keys.js";
import { Edit, HANDLES, nudgedBox, SETTLE } from "./edit.js";
import { pressViewer } from "./keyboard.js";
import { Panel } from "./panel.js";
import { leaveAt, leftAt } from "../../shared/left.js";
import { replay } from "./replay.js";
import { Stage } from "./stage.js";

const BROWSE_PAUSE = 500;

class Viewer {
  constructor(root, data) {
    this.data = data;
    this.index = -1;
    this.want = null;
    this.selected = null;
    this.lastCategory = "animal";
    this.moving = false;
    this.comparing = false;
    this.cursorEcho = new Echo();
    this.actions = new Actions(data.store, () => this.tell());
    this.stage = new Stage();
    this.held = new Held((text) => this.say(text));
    this.edit = new Edit(this.stage, this);
    this.panel = new Panel((name) => this.act(name), (key) => this.select(key), (name) => this.keepSpecies(name));
    this.help = keyPanel(data.keys);
    this.note = el("div", "note", { role: "status", hidden: true });
    this.stage.node.append(this.note);
    this.node = el("div", "pm viewer", null, this.stage.node, this.panel.node, this.help);
    root.append(this.node);
    this.stop = listenKeys(root, data.store, (event, inside) => pressViewer(this, event, inside));
    this.leaving = () => { this.settle(); this.actions.flush(); };
    window.addEventListener("pagehide", this.leaving);
    requestAnimationFrame(() => takeFocus(this.stage.node));
  }

  update(data) {
    const current = this.media[this.index]?.id;
    this.data = data;
    this.actions.acknowledge(data.ack, data.as_of);
    this.panel.picker.suggest(data.species_choices || []);
    this.rebuild();
    const kept = this.media.findIndex((media) => media.id === current);
    let target = kept;
    if (this.cursorEcho.fresh(data.cursor) || kept < 0) target = data.cursor - data.offset;
    if (current === undefined) target = this.placeLeft(target);
    if (this.want !== null) target = this.within(this.want) ? this.want - data.offset : kept;
    if (this.want !== null && this.within(this.want)) this.want = null;
    target = clamp(target, 0, Math.max(this.media.length - 1, 0));
    if (this.media[target] && this.media[target].id !== current) this.open(target);
    else { this.index = target; this.draw(); }
  }

  get media() { return this.shown || []; }
  get current() { return this.media[this.index]; }
  get total() { return this.data.total ?? this.media.length; }

  within(absolute) {
    return absolute >= this.data.offset && absolute < this.data.offset + this.media.length;
  }

  rebuild() {
    this.shown = replay(this.data.media || [], this.actions.effective());
    if (this.draftBox) Object.assign(this.boxOf(this.draftBox.key) || {}, this.draftBox.box);
    this.selected = this.boxOf(this.selected)?.key ?? null; // a drawn box has another key once it is in the survey
  }

  boxOf(key) { return key === null ? undefined : this.current?.boxes.find((box) => box.key === key || (box.uuid && box.uuid === key)); }
  /** After a reload of the page: where this viewer, opened at the same media, was left. */
  placeLeft(target) {
    const left = leftAt(this.data);
    const place = left && left.opened === this.data.opened ? this.media.findIndex((media) => media.id === left.id) : -1;
    return place >= 0 ? place : target;
  }

  /** Whether the media that keys and buttons are about is drawn: another is not being fetched, and its picture is there. */
  get drawn() { return this.want === null && this.stage.drawn; }

  /** Keep an act until what it is about is drawn, and in its order; true when it is kept. */
  keeps(act, waits = true) {
    return this.held.keep(act, () => !waits || this.drawn);
  }

  boxAt(key) { const { x, y, w, h } = this.boxOf(key); return { x, y, w, h }; }

  open(index) {
    this.index = index;
    const best = this.current.boxes.filter((box) => counts(box, this.data.threshold)).sort((a, b) => b.p - a.p)[0];
    this.selected = best ? best.key : null;
    this.chosen = false;
    this.panel.picker.close();
    this.edit.setDrawing(false);
    this.moving = false;
    this.node.classList.remove("moving");
    this.stage.show(this.current);
    leaveAt(this.data, this.current.id);
    this.prefetched = this.media.slice(index + 1, index + 3).map((media) => Object.assign(new Image(), { src: media.src }));
    this.draw();
  }

  /** Move to another media; beyond the window the script is asked for it. */
  go(step) {
    if (this.keeps(() => this.go(step), false)) return;
    this.settle();
    const absolute = this.data.offset + this.index + step;
    if (absolute < 0 || absolute >= this.total) {
      this.say(step > 0 ? "This was the last one." : "This is the first one.");
      return;
    }
    if (this.within(absolute)) {
      this.open(absolute - this.data.offset);
      this.actions.schedule(BROWSE_PAUSE);
    } else {
      this.want = absolute;
      this.say("Fetching the next media");
      this.actions.schedule();
    }
  }

  say(text) {
    sayIn(this.note, text);
  }

  draw() {
    const media = this.current;
    this.node.classList.toggle("empty", !media);
    if (!media) return;
    const { layer } = this.stage, { threshold } = this.data;
    this.stage.load(media.src);
    const beside = media.beside?.boxes || [];
    const blurred = media.people ? [] : [...media.boxes, ...beside].filter(hidesPerson);
    const nodes = blurred.map((box) => mosaic(this.stage.picture, box));
    if (this.comparing) nodes.push(...beside.map((box, place) => besideNode(box, place ? "" : media.beside.name)));
    const ordered = [...media.boxes].sort((a, b) => (a.key === this.selected) - (b.key === this.selected) || a.p - b.p);
    for (const box of ordered) nodes.push(this.drawnNode(box, threshold));
    layer.replaceChildren(...nodes, this.edit.ghost);
    this.panel.compare.setAttribute("aria-pressed", String(this.comparing));
    this.stage.spread();
    this.panel.show(media, this.data.offset + this.index, this.total);
    this.panel.list(media.boxes, this.selected, threshold);
    this.tellSaved();
  }

  drawnNode(box, threshold) {
    const node = boxNode(box, true);
    node.dataset.box = box.key;
    node.classList.add("live");
    const on = box.key === this.selected;
    node.classList.toggle("below", !counts(box, threshold) && box.verdict !== "rejected" && !on);
    node.classList.toggle("selected", on);
    if (on) node.append(...HANDLES.map((side) => el("span", `handle ${side}`, { "data-handle": side })));
    return node;
  }

  select(key) {
    this.held.giveUp();
    this.settle();
    this.selected = key;
    this.chosen = key !== null;
    this.draw();
  }

  // Actions

  add(action) {
    const full = this.actions.add({ media_id: this.current.id, ...action });
    this.rebuild();
    return full;
  }

  decide(kind, more) {
    this.settle();
    if (kind === "whole" && this.current.video) { this.say("A video is no picture of one animal."); return; }
    if (kind !== "unsure" && this.current.pending) {
      this.go(1);
      this.say("Skipped: it is still being looked at.");
      return;
    }
    this.add({ kind, ...more });
    this.draw();
    this.go(1);
  }

  change(kind, more) {
    const box = this.boxOf(this.selected);
    if (!box) { this.say("Choose a box first (Tab)."); return; }
    this.settle();
    this.add({ kind, ...this.reference(box), ...more });
    this.draw();
  }

  reference(box) {
    return box.id === null ? { detection_id: null, drawn: box.key } : { detection_id: box.id };
  }

  act(name) {
    if (!this.current || this.keeps(() => this.act(name), !["undo", "redo", "help", "draw", "move"].includes(name))) return;
    const box = this.boxOf(this.selected);
    const threshold = this.data.threshold;
    const known = {
      accept: () => this.decide("accept", { threshold, boxes: this.current.boxes.filter((other) => counts(other, threshold) && other.id !== null).map(({ id }) => id) }),
      blank: () => this.decide("blank"),
      unsure: () => this.decide("unsure"),
      reject: () => this.change(box?.verdict === "rejected" ? "restore" : "reject"),
      whole: () => this.decide("whole"),
      draw: () => { this.setMoving(false); this.edit.setDrawing(true); this.say("Drag a rectangle around the animal, or press Enter to place one."); },
      move: () => this.setMoving(!this.moving),
      species: () => (box ? this.panel.picker.open(box.species, hintOf(box)) : this.say("Choose a box first (Tab).")),
      hint: () => (box && hintOf(box) ? this.change("species", { species: hintOf(box).name }) : this.say(box ? "No species hint for this box." : "Choose a box first (Tab).")),
      undo: () => this.turn(this.actions.undo(), "Undone.", "Undoing your last decision."),
      redo: () => this.turn(this.actions.redo(), "Done again.", "Doing again what you undid last."),
      people: () => this.people(),
      compare: () => this.compare(),
      help: () => { this.help.hidden = !this.help.hidden; },
    };
    if (name !== "move") this.setMoving(false);
    this.settle();
    known[name]();
    if (name !== "species" && name !== "help") this.stage.node.focus({ preventScroll: true });
  }

  /** Show the people on this picture, or blur them again: a decision like others. */
  people() {
    const shown = !this.current.people;
    this.add({ kind: "people", shown });
    this.draw();
    this.say(shown ? "People on this picture are shown. Z blurs them again." : "People are blurred.");
  }

  /** Show what another detector found on trial beside the boxes that count, or no longer. */
  compare() {
    this.comparing = !this.comparing;
    this.draw();
    const beside = this.current.beside;
    if (this.comparing) this.say(beside ? `Dashed: ${count(beside.boxes.length, "box", "boxes")} of ${beside.name}, which do not count.` : "No detector on trial has looked at this one.");
  }

  /** After an undo or a redo: go to the media it was about. */
  turn(action, known, unknown) {
    this.rebuild();
    const place = action ? this.media.findIndex((media) => media.id === action.media_id) : -1;
    if (place >= 0 && place !== this.index) this.open(place);
    else this.draw();
    this.say(action ? known : unknown);
  }

  keepSpecies(name) {
    if (name !== undefined) this.change("species", { species: name });
    this.stage.node.focus({ preventScroll: true });
  }

  keepDrawn(box) {
    if (this.keeps(() => this.keepDrawn(box))) return;
    const full = this.add({ kind: "draw", category: this.lastCategory, box });
    this.selected = full.uuid;
    this.chosen = true;
    this.draw();
  }

  draft(key, box) {
    if (this.draftBox && this.draftBox.key !== key) this.settle();
    this.draftBox = { key, box };
    this.rebuild();
    this.draw();
  }

  /** A moved box becomes one action when it has come to rest. */
  settle() {
    clearTimeout(this.settleTimer);
    if (!this.draftBox) return;
    const { key, box } = this.draftBox;
    const moved = this.boxOf(key);
    this.draftBox = null;
    if (moved) this.add({ kind: "box", ...this.reference(moved), box });
    this.draw();
  }

  nudge(event) {
    if (this.keeps(() => this.nudge(event))) return true;
    const box = this.boxOf(this.selected);
    if (!box) return false;
    this.draft(box.key, nudgedBox(box, event));
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => this.settle(), SETTLE);
    return true;
  }

  setMoving(on) {
    if (on && !this.boxOf(this.selected)) { this.say("Choose a box first (Tab)."); return; }
    if (!on) this.settle();
    this.moving = on;
    this.node.classList.toggle("moving", on);
    if (on) this.say("Arrows move the box, Shift + arrows resize it, Enter ends.");
  }

  /** The category of the selected box, or of the one being drawn. */
  setCategory(category) {
    if (this.keeps(() => this.setCategory(category))) return;
    this.lastCategory = category;
    if (this.edit.drawing) this.say(`The new box will be ${category === "animal" ? "an" : "a"} ${category}.`);
    else this.change("category", { category });
  }

  cycle(back) {
    const keys = this.current.boxes.map((box) => box.key);
    const place = keys.indexOf(this.selected);
    const next = place < 0 ? (back ? keys.length - 1 : 0) : place + (back ? -1 : 1);
    if (next < 0 || next >= keys.length) return false;
    this.select(keys[next]);
    return true;
  }

  escape() {
    if (!this.help.hidden) this.help.hidden = true;
    else if (this.edit.drawing) this.edit.setDrawing(false);
    else if (this.chosen && this.boxOf(this.selected)) this.select(null); // a box that the viewer chose itself holds nobody
    else this.leave();
    return true;
  }

  /** Back to the list, which opens at the picture that was left. */
  leave() {
    this.settle();
    this.actions.flush();
    this.send("closed", { id: this.current.id, n: Date.now() });
  }

  // Telling the script

  tell() {
    const index = this.want ?? this.data.offset + Math.max(this.index, 0);
    this.cursorEcho.note(index);
    this.send("review", { actions: this.actions.waiting, cursor: index });
    this.tellSaved();
  }

  tellSaved() {
    this.panel.state.textContent = this.actions.saved;
  }

  close() {
    this.held.close();
    this.settle();
    this.stop();
    window.removeEventListener("pagehide", this.leaving);
    this.stage.close();
    this.actions.close();
  }
}

export default function (component) {
  return mount(component, (root, data) => new Viewer(root, data));
}
