// A plain gallery of crops: click or Enter opens one; where crops are to be chosen, click, Space or Enter marks them.

import { clamp, el, mount, picture } from "../dom.js";
import { listenKeys, takeFocus } from "../keys.js";

class Crops {
  constructor(root) {
    this.items = [];
    this.cursor = 0;
    this.chosen = new Set();
    this.list = el("div", "crops", { role: "listbox", "aria-label": "Crops", tabIndex: 0 });
    this.node = el("div", "pm", null, this.list);
    root.append(this.node);
    this.list.addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      if (card) this.use(Number(card.dataset.place));
    });
    this.stop = listenKeys(root, null, (event, inside) => inside && this.press(event));
    requestAnimationFrame(() => takeFocus(this.list));
  }

  update(data) {
    const text = JSON.stringify([data.items, data.choose, data.round]);
    if (text === this.text) return;
    this.text = text;
    this.choose = Boolean(data.choose);
    this.chosen = new Set();
    this.list.setAttribute("aria-multiselectable", String(this.choose));
    this.items = data.items || [];
    this.cursor = clamp(this.cursor, 0, Math.max(this.items.length - 1, 0));
    this.list.style.setProperty("--wide", `${data.size || 150}px`);
    this.cards = this.items.map((item, place) => el("div", "card", { role: "option", id: `crop-${place}`, "data-place": String(place), "aria-label": [item.label, item.sub, item.badge].filter(Boolean).join(" · ") },
      el("div", "picture", null, item.src ? picture({ src: item.src, loading: "lazy", decoding: "async" }) : null,
        item.badge ? el("span", "badge", null, item.badge) : null),
      el("div", "label", null, item.label || ""), item.sub ? el("div", "sub faint", null, item.sub) : null));
    this.list.replaceChildren(...this.cards);
    this.mark();
  }

  use(place) {
    this.cursor = place;
    const id = this.items[place].id;
    if (this.choose) {
      if (!this.chosen.delete(id)) this.chosen.add(id);
      this.send("chosen", [...this.chosen]);
    } else this.send("opened", { id, n: Date.now() });
    this.mark();
  }

  press(event) {
    if (event.type === "keyup" || event.ctrlKey || event.altKey || !this.items.length) return false;
    const top = this.cards[0].offsetTop;
    const across = Math.max(this.cards.filter((card) => card.offsetTop === top).length, 1);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (step) {
      this.cursor = clamp(this.cursor + step, 0, this.items.length - 1);
      this.mark();
      this.cards[this.cursor].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" || (this.choose && event.key === " ")) this.use(this.cursor);
    else return false;
    return true;
  }

  mark() {
    this.cards.forEach((card, place) => {
      card.classList.toggle("cursor", place === this.cursor);
      const chosen = this.choose && this.chosen.has(this.items[place].id);
      card.classList.toggle("chosen", chosen);
      card.setAttribute("aria-selected", String(this.choose ? chosen : place === this.cursor));
    });
    this.list.setAttribute("aria-activedescendant", `crop-${this.cursor}`);
  }

  close() {
    this.stop();
  }
}

export default function (component) {
  return mount(component, (root) => new Crops(root));
}
