// Boxes over a picture, in shares of the picture: x, y of the top-left corner, width, height, all 0 to 1.

import { el, score } from "./dom.js";

/** The category behind each key. */
export const CATEGORIES = { 1: "animal", 2: "person", 3: "vehicle" };
// People and vehicles count from this share of the threshold, people are blurred from HIDDEN_FROM: app/survey/detections
// says why.
const SHARE_OF_OTHERS = 1 / 4;
const HIDDEN_FROM = 0.05;
const MOSAIC = 8;

/** Place a node over its box with percentages, so that zoom and resize need no redraw. */
export function placeBox(node, box) {
  node.style.left = `${box.x * 100}%`;
  node.style.top = `${box.y * 100}%`;
  node.style.width = `${box.w * 100}%`;
  node.style.height = `${box.h * 100}%`;
}

/** A box counts at a threshold when a person confirmed or drew it, or when its confidence reaches it. */
export function counts(box, threshold) {
  if (box.verdict === "rejected") return false;
  return box.verdict === "accepted" || Boolean(box.drawn) || box.p >= threshold * (box.c === "animal" ? 1 : SHARE_OF_OTHERS);
}

/** What the animal in a box may be, while nobody has labelled it: {name, score, by another tool's classifier} or null. */
export function hintOf(box) {
  return box.hint && !box.species && box.c === "animal" && box.verdict !== "rejected" ? { name: box.hint, score: box.hintScore, by: box.hintBy } : null;
}

export function boxName(box) {
  const hint = hintOf(box);
  const what = [box.named, box.species || (box.named ? "" : box.c), hint && `maybe ${hint.name} ${score(hint.score)}${hint.by ? ` by ${hint.by}` : ""},`].filter(Boolean).join(" · ");
  const verdict = { rejected: " · deleted", unsure: " · unsure", accepted: " · confirmed" }[box.verdict] || "";
  return `${what}${box.drawn ? " drawn" : box.verdict === "accepted" ? "" : ` ${score(box.p)}`}${verdict}`;
}

/** The drawn box: outline and label chip. */
export function boxNode(box, withChip) {
  const node = el("div", `box ${box.c} ${box.verdict || ""}`, { "data-p": String(box.p) });
  placeBox(node, box);
  if (withChip) {
    const hint = hintOf(box), verdict = { rejected: "✕ ", unsure: "? ", accepted: "✓ " }[box.verdict] || "";
    const number = box.drawn || box.verdict === "accepted" ? "" : ` ${score(box.p)}`;
    node.append(el("span", "chip", null, verdict + (box.named || box.species || box.c) + number + (hint && !box.named ? ` ${hint.name}?` : "")));
    if (box.y < 0.1) node.classList.add("chipin");
    if (box.x + box.w / 2 > 0.5) node.classList.add("chipleft");
  }
  return node;
}

/** A box of a detector whose boxes do not count: dashed; nobody can choose it. name: of the detector, on one of its boxes. */
export function besideNode(box, name) {
  const node = boxNode(box, false);
  node.classList.add("beside");
  node.dataset.p = String(box.p - 1); // the labels of the boxes that count choose their places first
  node.append(el("span", "chip", null, [name, score(box.p)].filter(Boolean).join(" ")));
  return node;
}

/** Whether a box may show a person who must not be recognised: blurred whatever the threshold is. */
export function hidesPerson(box) {
  return box.c === "person" && box.verdict !== "rejected" && (box.p >= HIDDEN_FROM || Boolean(box.drawn));
}

/** A canvas that replaces the pixels under a box by an 8 x 8 mosaic of them; zooming in shows nothing more. */
export function mosaic(image, box) {
  const canvas = el("canvas", "mosaic", { width: MOSAIC, height: MOSAIC, "aria-label": "person, blurred" });
  placeBox(canvas, box);
  const paint = () => {
    const pen = canvas.getContext("2d");
    const wide = image.naturalWidth, high = image.naturalHeight;
    if (!wide) return;
    const w = Math.max(box.w * wide, 1), h = Math.max(box.h * high, 1);
    for (let row = 0; row < MOSAIC; row++) {
      for (let column = 0; column < MOSAIC; column++) {
        pen.drawImage(image, box.x * wide + (column * w) / MOSAIC, box.y * high + (row * h) / MOSAIC,
          w / MOSAIC, h / MOSAIC, column, row, 1, 1);
      }
    }
    canvas.classList.add("painted");
  };
  if (image.complete && image.naturalWidth) paint();
  else image.addEventListener("load", paint, { once: true });
  return canvas;
}
