// What a search is followed by where its answer is in doubt: the one ladder for searches with and without a filter. Runs on any thread.

import { codesNs, matchesNs } from './costs.js';
import { mergeAnswers } from './merge-answers.js';
import type { SearchShape } from './plan.js';
import type { Answer, Query } from './query.js';

/** Codes of vectors that are hard to tell apart put about so many of them beyond the k-th, where they do at all. */
const EXCLUDED_SHARE = 0.25;
/** Each time leaves that the caller has asked for hold too little, so many times as many are scanned. */
const WIDENING = 4;

/**
 * The search that follows, or undefined where the answer holds. `findable`: how many rows there are to be found, among `slots` and
 * pending rows.
 *
 * 1. A search of leaves may be in doubt of its candidates or of the leaves it has left out: then a second look reads all that its code does not put
 *    beyond the k-th found, in the leaves in question.
 * 2. No answer is short: where fewer than k are found though there are more, more leaves are scanned, and all compared in the end.
 */
export function nextStep(
  { settings, leaves, rowBytes }: SearchShape,
  query: Query,
  { rows, distances, stats }: Answer,
  findable: number,
): Query | undefined {
  const { doubt } = stats;
  const isShort = rows.length < Math.min(query.k, findable);
  if (query.exact || (doubt === undefined && !isShort)) return undefined;
  const { doubt: looked, efforts: _, ...rest } = query;
  const exact = { ...rest, exact: true };
  if (looked !== undefined) return isShort ? exact : undefined;
  if (isShort && doubt === undefined && query.probes < leaves && query.efforts === undefined)
    return { ...query, probes: Math.min(leaves, query.probes * WIDENING), probeShare: 1 };
  if (isShort) return exact;
  if (doubt === undefined) return undefined;
  const pays = EXCLUDED_SHARE * matchesNs(findable, rowBytes) > codesNs(settings, findable);
  if (settings.quantizer === 'sign' || !pays || !Number.isFinite(doubt.within)) return exact;
  // Of leaves beyond `probes` the second look would find again what some parts have found.
  const found = stats.isUneven ? {} : { found: distances };
  return { ...query, doubt: { ...doubt, ...found }, probes: stats.probes };
}

/**
 * The answer of a step with what the step before has found: a second look leaves out what was looked at already. The figures are
 * those of both.
 */
export function withStepBefore(before: Answer, answer: Answer, { k, doubt }: Query): Answer {
  const stats = {
    ...answer.stats,
    vectorsScanned: before.stats.vectorsScanned + answer.stats.vectorsScanned,
    vectorsReranked: before.stats.vectorsReranked + answer.stats.vectorsReranked,
    prepareUs: before.stats.prepareUs + answer.stats.prepareUs,
    rankUs: before.stats.rankUs + answer.stats.rankUs,
    scanUs: before.stats.scanUs + answer.stats.scanUs,
    rerankUs: before.stats.rerankUs + answer.stats.rerankUs,
  };
  if (doubt === undefined) return { ...answer, stats };
  const known = new Set(answer.rows);
  const isNew = (_: number, i: number) => !known.has(before.rows[i] as number);
  const added = { rows: before.rows.filter(isNew), distances: before.distances.filter(isNew), stats };
  return { ...mergeAnswers(answer, added, k), stats };
}
