// A plain gallery of crops: click or Enter opens one.

class Crops {
  constructor(root) {
    this.items = [];
    this.cursor = 0;
    this.list = el("div", "crops", { role: "listbox", "aria-label": "Crops", tabIndex: 0 });
    this.node = el("div", "pm", null, this.list);
    root.append(this.node);
    this.list.addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      if (card) this.open(Number(card.dataset.place));
    });
    this.stop = listenKeys(root, (event, inside) => inside && this.press(event));
  }

  update(data) {
    const text = JSON.stringify(data.items);
    if (text === this.text) return;
    this.text = text;
    this.items = data.items || [];
    this.cursor = clamp(this.cursor, 0, Math.max(this.items.length - 1, 0));
    this.list.style.setProperty("--wide", `${data.size || 150}px`);
    this.cards = this.items.map((item, place) => el("div", "card", { role: "option", id: `crop-${place}`, "data-place": String(place), "aria-label": [item.label, item.sub, item.badge].filter(Boolean).join(" · ") },
      el("div", "picture", null, item.src ? el("img", "", { src: item.src, loading: "lazy", decoding: "async", alt: "", draggable: false }) : null,
        item.badge ? el("span", "badge", null, item.badge) : null),
      el("div", "label", null, item.label || ""), item.sub ? el("div", "sub faint", null, item.sub) : null));
    this.list.replaceChildren(...this.cards);
    this.mark();
  }

  open(place) {
    this.cursor = place;
    this.mark();
    this.send("opened", { id: this.items[place].id, n: Date.now() });
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
    } else if (event.key === "Enter") this.open(this.cursor);
    else return false;
    return true;
  }

  mark() {
    this.cards.forEach((card, place) => {
      card.classList.toggle("cursor", place === this.cursor);
      card.setAttribute("aria-selected", String(place === this.cursor));
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
