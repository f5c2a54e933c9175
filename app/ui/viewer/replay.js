// What the media look like once the actions still under way are in the survey.

/** The boxes' key: the survey's id, or the action's id while a drawn box has none. */
function withKeys(media) {
  return media.map((one) => ({ ...one, boxes: (one.boxes || []).map((box) => ({ ...box, key: String(box.id) })) }));
}

function replay(media, actions) {
  const shown = withKeys(media);
  const places = new Map(shown.map((one, place) => [one.id, place]));
  for (const action of actions) {
    const one = shown[places.get(action.media_id)];
    if (one) apply(one, action);
  }
  return shown;
}

function apply(media, action) {
  const key = action.detection_id !== undefined && action.detection_id !== null ? String(action.detection_id) : action.drawn;
  const box = media.boxes.find((one) => one.key === key || (one.uuid && one.uuid === key));
  const known = {
    accept: () => {
      media.verdict = "accepted";
      for (const one of media.boxes) if (action.boxes.includes(one.id)) one.verdict = "accepted";
    },
    blank: () => { media.verdict = "blank"; },
    unsure: () => { media.verdict = "unsure"; },
    reject: () => { if (box) box.verdict = "rejected"; },
    restore: () => { if (box) box.verdict = null; },
    category: () => { if (box) box.c = action.category; },
    species: () => { if (box) box.species = action.species; },
    box: () => { if (box) Object.assign(box, action.box); },
    draw: () => media.boxes.push({ id: null, key: action.uuid, c: action.category, p: 1, ...action.box, drawn: true, verdict: "accepted" }),
  };
  known[action.kind]?.();
}
