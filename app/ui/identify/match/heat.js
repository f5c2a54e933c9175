// Where the match weight lies, and where the animal is: canvases over a crop, moved with it.

const HEAT_CELLS = 72;
const HEAT_SPREAD = 0.045;
const MASK_CELLS = 24;
const HEAT_STOPS = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]];

/** Paint the weights of points [[x, y, weight], ...] (shares of the crop) as a heat map. */
export function paintHeat(canvas, points) {
  canvas.width = canvas.height = HEAT_CELLS;
  const heat = new Float32Array(HEAT_CELLS * HEAT_CELLS);
  const reach = Math.ceil(3 * HEAT_SPREAD * HEAT_CELLS);
  for (const [x, y, weight] of points) {
    const column = x * HEAT_CELLS - 0.5, row = y * HEAT_CELLS - 0.5;
    for (let r = Math.max(0, Math.ceil(row - reach)); r <= Math.min(HEAT_CELLS - 1, row + reach); r++) {
      for (let c = Math.max(0, Math.ceil(column - reach)); c <= Math.min(HEAT_CELLS - 1, column + reach); c++) {
        const apart = ((r - row) ** 2 + (c - column) ** 2) / (HEAT_SPREAD * HEAT_CELLS) ** 2;
        heat[r * HEAT_CELLS + c] += weight * Math.exp(-apart / 2);
      }
    }
  }
  const most = heat.reduce((a, b) => Math.max(a, b), 1e-6);
  const pen = canvas.getContext("2d"), image = pen.createImageData(HEAT_CELLS, HEAT_CELLS);
  heat.forEach((value, cell) => {
    const share = Math.sqrt(value / most);
    image.data.set([...heatColour(share), Math.round(255 * Math.min(1, 0.35 + share))], cell * 4);
  });
  pen.putImageData(image, 0, 0);
}

function heatColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (HEAT_STOPS.length - 1), low = Math.min(Math.floor(place), HEAT_STOPS.length - 2);
  return HEAT_STOPS[low].map((value, channel) => Math.round(value + (HEAT_STOPS[low + 1][channel] - value) * (place - low)));
}

/** Paint what lies outside the animal black; mask: 24 x 24 bytes in base64, or nothing while it is not known. */
export function paintMask(canvas, mask) {
  canvas.width = canvas.height = MASK_CELLS;
  const pen = canvas.getContext("2d"), image = pen.createImageData(MASK_CELLS, MASK_CELLS);
  if (mask) {
    const bytes = atob(mask);
    for (let cell = 0; cell < MASK_CELLS * MASK_CELLS; cell++) {
      const animal = bytes.charCodeAt(cell) / 255;
      image.data[cell * 4 + 3] = Math.round(255 * Math.min(Math.max((0.62 - animal) * 4, 0), 1));
    }
  }
  pen.putImageData(image, 0, 0);
}
