// One batch on its way to the server: four requests at a time, each file by itself, failures kept with their reason.
// It lives outside the component, so that a rerun or another page does not stop it.

const AT_ONCE = 4;
const TRIES = 3;
const NAMED = 50;
// Hidden files and an operating system's own; ._ files go along, for the import names them.
const LEFT_OUT = /(^|\/)(\.(?!_)|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/i;
const transfers = new Map();

export class Transfer {
  constructor(batch) {
    this.batch = batch;
    this.files = [];
    this.paths = new Set();
    this.next = 0;
    this.active = new Map();
    this.done = 0;
    this.failed = [];
    this.bytes = 0;
    this.sent = 0;
    this.left_out = 0;
    this.leftOut = []; // their paths, the first of them
    this.marks = [];
    this.changed = () => {};
    this.resumed = this.seenBefore();
  }

  static of(batch) {
    if (!transfers.has(batch)) transfers.set(batch, new Transfer(batch));
    return transfers.get(batch);
  }

  /** The batch of this tab before this one, if there was any. */
  static before(batch) {
    const batches = [...transfers.keys()];
    return transfers.get(batches[batches.indexOf(batch) - 1]);
  }

  /** Whether an earlier visit already sent files into this batch: then each is asked for before it is sent. */
  seenBefore() {
    try {
      const seen = sessionStorage.getItem(`pugmark:batch:${this.batch}`) !== null;
      sessionStorage.setItem(`pugmark:batch:${this.batch}`, "1");
      return seen;
    } catch (error) {
      console.warn("Pugmark: the tab's storage is closed", error);
      return true;
    }
  }

  /** chosen: [{file, path}] */
  add(chosen) {
    for (const { file, path } of chosen) {
      if (LEFT_OUT.test(path)) { this.leaveOut(path); continue; }
      if (this.paths.has(path)) continue;
      this.paths.add(path);
      this.files.push({ file, path, tries: 0 });
      this.bytes += file.size;
    }
    this.pump();
    this.changed();
  }

  leaveOut(path) {
    this.left_out += 1;
    if (this.leftOut.length < NAMED) this.leftOut.push(path);
  }

  retry(entries) {
    for (const entry of entries) {
      this.failed = this.failed.filter((other) => other !== entry);
      this.files.push({ ...entry, tries: 0, again: true });
    }
    this.pump();
    this.changed();
  }

  pump() {
    while (this.active.size < AT_ONCE && this.next < this.files.length) {
      const entry = this.files[this.next];
      this.files[this.next++] = null;
      this.active.set(entry, 0);
      this.deliver(entry);
    }
  }

  async deliver(entry) {
    let error = "";
    for (entry.tries = 1; entry.tries <= TRIES; entry.tries++) {
      const answer = await this.attempt(entry);
      error = answer.error;
      if (!error || !answer.again) break;
      entry.again = true;
      await new Promise((resolve) => setTimeout(resolve, 700 * entry.tries ** 2));
    }
    this.active.delete(entry);
    if (error) this.failed.push({ ...entry, error });
    else { this.done += 1; this.sent += entry.file.size; }
    this.pump();
    this.changed();
  }

  async attempt(entry) {
    const address = `/api/uploads/${encodeURIComponent(this.batch)}/${entry.path.split("/").map(encodeURIComponent).join("/")}`;
    const headers = { Authorization: `Bearer ${this.token}` };
    if (this.resumed || entry.again) {
      const known = await fetch(address, { method: "HEAD", headers }).catch(() => null);
      if (known && known.ok && Number(known.headers.get("upload-length")) === entry.file.size) return { error: "" };
    }
    return this.put(address, headers, entry);
  }

  put(address, headers, entry) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => { this.active.set(entry, event.loaded); this.changed(); };
      request.onload = () => {
        if (request.status < 300) resolve({ error: "" });
        else resolve({ error: sentence(request), again: request.status === 502 || request.status === 503 || request.status === 504 });
      };
      request.onerror = () => resolve({ error: "The server could not be reached, or the file can no longer be read.", again: true });
      request.send(entry.file);
    });
  }

  get total() { return this.done + this.failed.length + this.active.size + (this.files.length - this.next); }
  get busy() { return this.active.size > 0 || this.next < this.files.length; }
  get bytesDone() { return this.sent + [...this.active.values()].reduce((sum, part) => sum + part, 0); }

  /** Bytes a second over the last ten seconds. */
  rate() {
    const now = performance.now();
    if (!this.marks.length || now - this.marks[this.marks.length - 1].at > 400) this.marks.push({ at: now, bytes: this.bytesDone });
    while (this.marks.length > 2 && now - this.marks[0].at > 10000) this.marks.shift();
    const first = this.marks[0], last = this.marks[this.marks.length - 1];
    return last.at > first.at ? ((last.bytes - first.bytes) / (last.at - first.at)) * 1000 : 0;
  }

  state() {
    return {
      batch: this.batch, total: this.total, done: this.done, bytes: this.bytes, bytes_done: this.bytesDone, left_out: this.left_out,
      failed: this.failed.slice(0, 200).map(({ path, error }) => ({ path, error })), failed_count: this.failed.length,
      finished: !this.busy && this.total > 0,
    };
  }
}

function sentence(request) {
  try {
    return JSON.parse(request.responseText).error || `The server answered ${request.status}.`;
  } catch (error) {
    return `The server answered ${request.status} ${request.statusText}.`;
  }
}

/** All files behind dropped entries, folders included, with their paths. */
export async function droppedFiles(items) {
  const entries = [...items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return;
    for (const child of part) await walk(child, found);
  }
}
