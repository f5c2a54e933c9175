// The labels of boxes on one picture: none covers another, and none is cut off. The surest box chooses its place first.

const BORDER = 2; // pixels, of a box
const PLACES = ["over", "in", "under"].flatMap((row) => [[row, "left"], [row, "right"]]);

/** Place the labels in each frame. avoid: selector of what else stands on the picture, beside the frame or in it. */
export function spreadChips(frames, avoid = null) {
  const measured = [...frames].map((frame) => measure(frame, avoid)); // all are read before any is changed
  for (const frame of measured) place(frame);
}

function measure(frame, avoid) {
  const at = frame.getBoundingClientRect();
  const inside = ({ left, top, width, height }) => ({ x: left - at.left, y: top - at.top, w: width, h: height });
  const boxes = [...frame.querySelectorAll(".box")].map((node) => ({ node, chip: node.querySelector(".chip") })).filter((box) => box.chip);
  return {
    w: at.width, h: at.height,
    taken: avoid ? [...frame.parentElement.querySelectorAll(avoid)].map((node) => inside(node.getBoundingClientRect())).filter((area) => area.w) : [],
    boxes: boxes.map(({ node, chip }) => ({ node, chip, box: inside(node.getBoundingClientRect()), w: chip.offsetWidth, h: chip.offsetHeight, sure: node.matches(".selected, .accepted") ? 1 : Number(node.dataset.p) })),
  };
}

function place({ w, h, taken, boxes }) {
  for (const label of boxes.filter((box) => box.w).sort((a, b) => b.sure - a.sure)) {
    const first = label.box.x + label.box.w / 2 > w / 2 ? "right" : "left";
    const tried = PLACES.map(([row, side]) => [row, first === "left" ? side : side === "left" ? "right" : "left"]);
    const isFree = (where) => !taken.some((other) => overlap(rect(label, where, w), other));
    const fits = ({ x, y }) => x + label.w <= w + 3 && y >= -3 && y + label.h <= h + 3;
    const free = tried.find((where) => fits(rect(label, where, w)) && isFree(where));
    const [row, side] = free || ["in", first];
    const isShown = free || isFree([row, side]);
    const at = rect(label, [row, side], w);
    if (isShown) taken.push(at);
    Object.assign(label.chip.style, { left: `${at.x - label.box.x - BORDER}px`, right: "auto" });
    label.node.classList.toggle("chipin", row === "in");
    label.node.classList.toggle("chipunder", row === "under");
    label.node.classList.toggle("chipoff", !isShown);
  }
}

/** Where a label would lie: moved along its box's edge as far as the picture's borders ask. */
function rect({ box, w, h }, [row, side], wide) {
  const x = side === "left" ? box.x : box.x + box.w - w;
  return { x: Math.max(0, Math.min(x, wide - w)), y: { over: box.y - h, in: box.y, under: box.y + box.h }[row], w, h };
}

function overlap(a, b) {
  return a.x < b.x + b.w - 1 && b.x < a.x + a.w - 1 && a.y < b.y + b.h - 1 && b.y < a.y + a.h - 1;
}
