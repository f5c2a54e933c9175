// Decisions wait for what they are about: a press on a picture that is still loading is kept until the picture is drawn.

// Milliseconds: after so long a person hears that it is still loading, and after so long what was pressed is given up.
const WARNED_AFTER = 1500, KEPT_FOR = 5000;

/** Whether a picture is there and not only on its way. */
export function isDrawn(image) {
  return image.complete && image.naturalWidth > 0;
}

export class Held {
  /** say(text): tells the person that a press was given up. */
  constructor(say) {
    Object.assign(this, { say, kept: [], acting: false });
  }

  /** Keep an act that cannot be done yet, or comes after one that is kept; false when it is to be done at once. ready(): whether it can be. */
  keep(act, ready = () => true) {
    if (this.acting || (!this.kept.length && ready())) return false;
    this.kept.push({ act, ready });
    if (this.kept.length === 1) {
      this.since = performance.now();
      requestAnimationFrame(() => this.look());
    }
    return true;
  }

  look() {
    if (!this.kept.length) return;
    if (this.kept[0].ready()) this.next();
    else this.wait(performance.now() - this.since);
    if (this.kept.length) requestAnimationFrame(() => this.look());
  }

  wait(milliseconds) {
    if (milliseconds > KEPT_FOR) this.giveUp();
    else if (milliseconds > WARNED_AFTER) this.say("Still loading …");
  }

  next() {
    const { act } = this.kept[0];
    this.acting = true;
    try {
      act();
    } catch (error) {
      console.error("Pugmark: a kept press", error);
    } finally {
      this.acting = false;
      this.kept.shift();
      this.since = performance.now(); // the next one's picture begins to load only now
    }
  }

  /** The person turned to something else: what is kept was not about it. */
  giveUp() {
    if (!this.kept.length || this.acting) return;
    this.close();
    this.say("Still loading: press again when it is there.");
  }

  close() { this.kept = []; }
}
