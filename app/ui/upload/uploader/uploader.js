// The drop zone and what it shows of the batch on its way.

import { clamp, count, el, mount } from "../../shared/dom.js";
import { droppedFiles, Transfer } from "./transfer.js";

const TELL_EVERY = 3000;
const LISTED = 50;

class Uploader {
  constructor(root) {
    this.files = el("input", "", { type: "file", multiple: true, hidden: true, "aria-label": "Files", onchange: () => this.chosen(this.files) });
    this.folder = el("input", "", { type: "file", multiple: true, webkitdirectory: true, hidden: true, "aria-label": "Folder", onchange: () => this.chosen(this.folder) });
    this.zone = el("div", "zone", { role: "group", "aria-label": "Upload" },
      this.lead = el("div", "lead", null, ""),
      el("div", "choose", null, el("button", "button", { type: "button", onclick: () => this.files.click() }, "Choose files"),
        el("button", "button", { type: "button", onclick: () => this.folder.click() }, "Choose a folder")),
      this.hint = el("div", "faint", null, ""), this.files, this.folder);
    this.fill = el("div", "fill", null);
    this.meter = el("div", "meter", { role: "progressbar", "aria-label": "Upload", "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
    this.line = el("div", "line", null, "");
    this.failures = el("div", "failures", null);
    this.progress = el("div", "progress", { hidden: true }, this.line, this.meter, this.failures);
    this.node = el("div", "pm uploader", null, this.zone, this.progress);
    root.append(this.node);
    for (const name of ["dragenter", "dragover"]) this.zone.addEventListener(name, (event) => { event.preventDefault(); this.zone.classList.add("over"); });
    for (const name of ["dragleave", "drop"]) this.zone.addEventListener(name, () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", (event) => this.dropped(event));
    this.warn = (event) => { if (this.transfer?.busy) event.preventDefault(); };
    window.addEventListener("beforeunload", this.warn);
    this.sentAt = 0;
    this.drawn = 0;
  }

  update(data) {
    this.data = data;
    if (this.transfer && this.transfer.batch !== data.batch) this.transfer.changed = () => {};
    this.transfer = Transfer.of(data.batch);
    this.transfer.token = data.token;
    this.transfer.changed = () => this.changed();
    this.lead.textContent = data.lead;
    this.hint.textContent = data.hint;
    this.draw();
    if (this.transfer.total && !this.transfer.busy && JSON.stringify(data.known) !== JSON.stringify(this.transfer.state())) this.tellSoon();
  }

  chosen(input) {
    this.take([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    input.value = "";
  }

  async dropped(event) {
    event.preventDefault();
    this.line.textContent = "Reading the folder";
    this.progress.hidden = false;
    try {
      this.take(await droppedFiles(event.dataTransfer.items));
    } catch (error) {
      this.line.textContent = `The folder could not be read (${error.message}). Drop it again, or choose it with the button.`;
    }
  }

  take(files) {
    this.transfer.add(files);
    this.draw();
    this.tell();
  }

  changed() {
    if (performance.now() - this.drawn > 120 || !this.transfer.busy) this.draw();
    if (!this.transfer.busy) this.tellSoon(0);
    else if (performance.now() - this.sentAt > TELL_EVERY) this.tell();
  }

  tellSoon(pause = 50) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), pause);
  }

  tell() {
    this.sentAt = performance.now();
    const text = JSON.stringify(this.transfer.state());
    if (text === this.sentText) return;
    this.sentText = text;
    this.send("progress", this.transfer.state());
  }

  draw() {
    this.drawn = performance.now();
    const fresh = !this.transfer.total && !this.transfer.left_out, before = Transfer.before(this.transfer.batch);
    const transfer = fresh && before?.left_out ? before : this.transfer; // what was left out stays named until files are chosen anew
    const now = transfer.state();
    this.progress.hidden = now.total === 0 && !now.left_out;
    if (this.progress.hidden) return;
    const share = now.bytes ? clamp(now.bytes_done / now.bytes, 0, 1) : 1;
    this.fill.style.width = `${share * 100}%`;
    this.meter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.meter.classList.toggle("finished", now.finished && !now.failed_count);
    this.line.textContent = this.words(now).join(" · ");
    const rows = transfer.failed.slice(0, LISTED).map((entry) => el("div", "failure", null,
      el("span", "path", null, entry.path), el("span", "", null, entry.error),
      el("button", "button", { type: "button", "aria-label": `Retry ${entry.path}`, onclick: () => this.transfer.retry([entry]) }, "Retry")));
    const failed = transfer.failed;
    if (failed.length > 1) rows.unshift(el("div", "failure head", null, el("span", "", null, `${count(failed.length, "file")} failed`),
      el("button", "button", { type: "button", onclick: () => this.transfer.retry([...failed]) }, "Retry all")));
    for (const path of transfer.leftOut) rows.push(el("div", "failure", null, el("span", "path", null, path), el("span", "", null, "left out: hidden, or of the operating system")));
    if (now.left_out > transfer.leftOut.length) rows.push(el("div", "failure", null, `and ${count(now.left_out - transfer.leftOut.length, "file")} more left out`));
    this.failures.replaceChildren(...rows);
  }

  words(now) {
    const parts = [`${now.done.toLocaleString("en")} of ${count(now.total, "file")}`, `${size(now.bytes_done)} of ${size(now.bytes)}`];
    const rate = this.transfer.rate();
    if (this.transfer.busy && rate > 0) parts.push(`${size(rate)}/s`, `${duration((now.bytes - now.bytes_done) / rate)} left`, "keep this tab open until the files are sent");
    if (now.failed_count) parts.push(`${now.failed_count} failed`);
    if (now.left_out) parts.push(`${now.left_out} left out (hidden files)`);
    if (now.finished) parts.push("sent");
    return parts;
  }

  close() {
    window.removeEventListener("beforeunload", this.warn);
    this.transfer.changed = () => {};
    clearTimeout(this.timer);
  }
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes > 0 ? Math.min(Math.floor(Math.log10(bytes) / 3), 4) : 0;
  const value = bytes / 1000 ** step;
  return `${value.toFixed(step === 0 || value >= 100 ? 0 : 1)} ${units[step]}`;
}

function duration(seconds) {
  if (seconds < 90) return `about ${Math.max(Math.round(seconds), 1)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}

export default function (component) {
  return mount(component, (root) => new Uploader(root));
}
