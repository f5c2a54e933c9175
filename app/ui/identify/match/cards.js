// The candidates below the pair, and the figures of the chosen one in words.

import { count, el, picture, score } from "../../shared/dom.js";
import { flankWord } from "./pair.js";

const VERDICTS = { same: "✓ same", different: "✕ different", unsure: "? unsure" };

/** One candidate as a card. view: the crop of it that is shown; evidence: of the query and that crop, if known. */
export function candidateCard(candidate, view, place, chosen, evidence) {
  const kept = candidate.verdict ? el("span", `verdict ${candidate.verdict}`, null, VERDICTS[candidate.verdict] || candidate.verdict) : null;
  const flagged = evidence?.warning ? el("span", "verdict ground", { title: "The match lives on the background" }, "! background") : null;
  const known = candidate.probability !== null && candidate.probability !== undefined;
  const probability = known ? el("span", "probability", { title: probabilityTitle(candidate) }, score(candidate.probability)) : null;
  const card = el("div", "card", { role: "option", id: `card-${place}`, "data-place": String(place), "aria-selected": String(chosen) },
    el("div", "crop", null, picture({ src: view.src }), kept || flagged),
    el("div", "line", null, el("span", candidate.name ? "name" : "name faint", null, candidate.name || "not named"), probability),
    el("div", "line faint small", null, known ? flankWord(view.flank) : candidate.reason || "no probability yet", viewsText(candidate)),
    el("div", "line faint small", { title: modelsText(candidate) }, agreeText(candidate, evidence)));
  card.classList.toggle("on", chosen);
  return card;
}

function probabilityTitle(candidate) {
  const proven = candidate.proven ? `: ${candidate.proven} features agree on the animals, which proves at least as much` : "";
  return `probability that it is the same animal${proven}`;
}

function viewsText(candidate) {
  const views = candidate.views?.length || 0;
  return views > 1 ? el("span", "", { title: "crops of this individual: , and . show them" }, `${(candidate.at || 0) + 1} of ${views}`) : "";
}

/** How many features agree as one pattern; until that is known, how many look alike, which strangers' do too. */
function agreeText(candidate, evidence) {
  if (candidate.raw === null || candidate.raw === undefined) return candidate.origin || "not ranked";
  if (evidence?.whole !== undefined && !evidence.problem) return `${count(evidence.whole, "feature")} agree`;
  return candidate.matches === null || candidate.matches === undefined ? "" : `${count(candidate.matches, "feature")} alike`;
}

/** Figures of the ranking and of every model, each its own: never compared with each other. */
function modelsText(candidate) {
  if (candidate.raw === null || candidate.raw === undefined) return "";
  const ranked = { [candidate.model]: { score: candidate.raw }, ...candidate.models };
  const models = Object.entries(ranked);
  return models.map(([name, of]) => `${name} ${Number(of.score).toFixed(3)}${of.probability === null || of.probability === undefined ? "" : `, probability ${score(of.probability)}`}`).join(" · ");
}

/** What the evidence says, in a sentence; `waiting`: it is being computed. */
export function evidenceText(evidence, masked, waiting) {
  if (!evidence) return waiting ? "Matching the features …" : "";
  if (evidence.problem) return evidence.problem;
  const agree = masked ? `${count(evidence.animal, "match", "matches")} agree with the background masked, ${evidence.whole} with it.`
    : `${count(evidence.whole, "match", "matches")} agree as one pattern, ${evidence.animal} with the background masked.`;
  return `${evidence.by === "matcher" ? "Matcher: " : ""}${agree} Two different animals reach up to ${evidence.chance} by chance.`;
}

/** A warning where the match lives on the background: matches there and on the animals by the test that finds it. */
export function warningText(evidence) {
  if (!evidence?.warning) return "";
  const [background, animal] = evidence.warning;
  return `This match lives on the background: ${background} matches agree there, ${animal} on the animals.`;
}

/** A guess of the query's flank, in words. */
export function proposalText(query) {
  if (!query.proposal || ["left", "right", "other"].includes(query.flank)) return "";
  return query.proposal.text;
}
