// What the media look like once the actions still under way are in the survey.

/** The boxes' key: the survey's id, or the action's id while a drawn box has none. */
function withKeys(media) {
  return media.map((view) => ({ ...view, boxes: (view.boxes || []).map((box) => ({ ...box, key: String(box.id) })) }));
}

export function replay(media, actions) {
  const shown = withKeys(media);
  const places = new Map(shown.map((view, place) => [view.id, place]));
  for (const action of actions) {
    const view = shown[places.get(action.media_id)];
    if (view) apply(view, action);
  }
  return shown;
}

/** The best animal box grows to the whole picture, as in the survey: the named one, else a confirmed one, else the surest. */
function wholePicture(media, action) {
  const animals = media.boxes.filter((box) => box.c === "animal" && box.verdict !== "rejected");
  const named = animals.filter((box) => box.named);
  if (named.length > 1) return;
  const rank = (box) => (box.named ? 4 : 0) + (box.verdict === "accepted" || box.drawn ? 2 : 0) + box.p;
  const best = animals.sort((a, b) => rank(b) - rank(a))[0];
  const whole = { x: 0, y: 0, w: 1, h: 1, verdict: "accepted" };
  media.verdict = "accepted";
  for (const box of animals) if (box !== best && (box.drawn || box.verdict === "accepted")) box.verdict = "rejected";
  if (best) Object.assign(best, whole);
  else media.boxes.push({ id: null, key: action.uuid, c: "animal", p: 1, ...whole, drawn: true });
}

function apply(media, action) {
  const key = action.detection_id !== undefined && action.detection_id !== null ? String(action.detection_id) : action.drawn;
  const box = media.boxes.find((other) => other.key === key || (other.uuid && other.uuid === key));
  const known = {
    accept: () => {
      media.verdict = "accepted";
      for (const other of media.boxes) if (action.boxes.includes(other.id)) other.verdict = "accepted";
    },
    people: () => { media.people = action.shown; },
    blank: () => { media.verdict = "blank"; },
    unsure: () => { media.verdict = "unsure"; },
    whole: () => wholePicture(media, action),
    reject: () => { if (box) Object.assign(box, { verdict: "rejected", before: box.verdict }); },
    restore: () => { if (box) box.verdict = box.before || null; },
    category: () => { if (box) box.c = action.category; },
    species: () => { if (box) box.species = action.species; },
    box: () => { if (box) Object.assign(box, action.box); },
    draw: () => media.boxes.push({ id: null, key: action.uuid, c: action.category, p: 1, ...action.box, drawn: true, verdict: "accepted" }),
  };
  known[action.kind]?.();
}
