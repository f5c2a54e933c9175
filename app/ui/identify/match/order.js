// In which order candidates stand, and which of them is compared first.

// A named candidate as probable as this is compared first, and not passed over without a question.
const LIKELY = 0.8;

/** The place of the best named candidate that is probably the same and has no answer yet; -1 without one. */
export function likelyNamed(candidates) {
  return candidates.findIndex((candidate) => candidate.name && !candidate.verdict && (candidate.probability ?? 0) >= LIKELY);
}

/**
 * Pages with the orders that are on the screen, until the last order of each has come: it changes at most once. What
 * look-alikes say later moves the same candidates when the query is opened again. A page whose last order is another
 * than the one before is marked: its query is ranked `anew`. Names and verdicts are those of now in an order that
 * stays, too.
 */
export function heldOrders(given, before, held) {
  const ids = (page) => page.candidates.map((candidate) => candidate.id).join();
  const sorted = (page) => page.candidates.map((candidate) => candidate.id).sort().join();
  return given.map((page) => {
    const known = before.find((earlier) => earlier.query.id === page.query.id);
    if (!held || !known?.candidates.length || known.query.settled === undefined) return page;
    if (!page.query.settled) return { ...page, candidates: asOfNow(known.candidates, page.candidates), query: { ...page.query, ranked: true } };
    if (known.query.settled && ids(known) !== ids(page) && sorted(known) === sorted(page)) return { ...page, candidates: asOfNow(known.candidates, page.candidates) };
    return { ...page, query: { ...page.query, anew: !known.query.settled && ids(known) !== ids(page) } };
  });
}

function asOfNow(kept, given) {
  const now = new Map(given.map((candidate) => [candidate.id, candidate]));
  return kept.map((candidate) => {
    const { name = candidate.name, individual_id = candidate.individual_id, verdict = candidate.verdict } = now.get(candidate.id) || {};
    return { ...candidate, name, individual_id, verdict };
  });
}
