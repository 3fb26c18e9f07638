// One cell: a shape of data, a metric and a state, searched for each k and target; its recall beside the target, and its work
// beside that of an index that was just built of the same points.

import type { Collection } from '../../src/collections/collection.js';
import type { Collections } from '../../src/collections/collections.js';
import type { Metric } from '../../src/contract/index-settings.js';
import type { SearchResponse } from '../../src/contract/search.js';
import { collectionAfter, searchAll } from './engine-run.js';
import { recallBound } from './recall-bound.js';
import type { Scene, State } from './states.js';
import { type Truth, truthOf } from './truth.js';

/** What a change may cost until the next build, over a fresh build: vectors scanned, rows read, searches that compare all. */
const SCANNED_RATIO_MAX = 2;
const READ_RATIO_MAX = 3;
const COMPARED_ALL_MAX = 0.01;
/** States whose cost is held to that: up to half of the points deleted, or a tenth pending. */
const HELD_STATES: readonly State[] = ['region deleted', 'region inserted'];
/** Of a fresh build so many of the queries are asked: what they cost varies little. */
const FRESH_QUERIES = 300;
const FRESH_TARGETS = [0.97, 0.98, 0.99, 0.995, 0.998];
/** Where more than so many times k points count as hits float32 does not tell the neighbours apart. */
export const CROWD_MAX = 2;

export interface Aim {
  k: number;
  target: number;
}

/** Mean work of a query. */
export interface Work {
  scanned: number;
  /** Full vectors: those of a comparison of all are read, though the stats call them scanned. */
  read: number;
  /** Share of the queries that were answered by comparing all points. */
  comparedAll: number;
}

export interface CellResult extends Aim {
  recall: number;
  upper: number;
  /** Answers with fewer points than there are, or with one twice, or with one that is not live. */
  bad: number;
  work: Work;
  /** Of a fresh build, for the first of the same queries. */
  fresh: Work & { recall: number; target: number };
  scannedRatio: number;
  readRatio: number;
  /** See CROWD_MAX. */
  isBlind: boolean;
  failures: string[];
}

export interface CellOptions {
  metric: Metric;
  state: State;
  scene: Scene;
  aims: readonly Aim[];
  index?: object;
  /** Leaves the fresh build out; its figures are those of the cell. */
  withoutFresh?: boolean;
}

export async function measureCell(collections: Collections, options: CellOptions): Promise<CellResult[]> {
  const { metric, state, scene, aims, index } = options;
  const shape = { metric, dimension: scene.live.dimension };
  const changed = await collectionAfter(collections, shape, scene.steps, index);
  const truth = truthOf(metric, scene.live, scene.queries, distinct(aims.map(({ k }) => k)));
  const answers = await askAll(changed, scene, aims);
  await collections.drop(changed.name);
  let fresh: Asked[] | undefined;
  if (state !== 'built' && !options.withoutFresh) {
    const steps = [
      { kind: 'insert', ids: scene.ids, vectors: scene.live } as const,
      { kind: 'build' } as const,
    ];
    const collection = await collectionAfter(collections, shape, steps, index);
    fresh = [];
    for (const aim of aims) fresh.push(await askFresh(collection, scene, aim, truth));
    await collections.drop(collection.name);
  }
  return aims.map((aim, i) => judge(options, aim, answers[i] ?? [], fresh?.[i], truth));
}

async function askAll(
  collection: Collection,
  { queries }: Scene,
  aims: readonly Aim[],
): Promise<SearchResponse[][]> {
  const answers: SearchResponse[][] = [];
  for (const aim of aims) answers.push(await searchAll(collection, queries, aim));
  return answers;
}

/** The target that a fresh build was asked for, and its answers. */
interface Asked {
  target: number;
  answers: SearchResponse[];
}

/**
 * Where queries are unlike the points, a fresh build may miss the target itself. What reaches it costs more: it is asked for the next
 * higher target until it does, as work is worth comparing at equal recall.
 */
async function askFresh(collection: Collection, scene: Scene, aim: Aim, truth: Truth): Promise<Asked> {
  const targets = [aim.target, ...FRESH_TARGETS.filter((target) => target > aim.target)];
  for (const target of targets) {
    const answers = await searchAll(collection, scene.queries, { k: aim.k, target, count: FRESH_QUERIES });
    const reached = meanOf(recallsOf(scene, aim.k, answers, truth).recalls);
    if (reached >= aim.target || target === targets.at(-1)) return { target, answers };
  }
  throw new Error('no target was asked for');
}

function judge(
  { state, scene }: CellOptions,
  aim: Aim,
  answers: SearchResponse[],
  asked: Asked | undefined,
  truth: Truth,
): CellResult {
  const { recalls, bad } = recallsOf(scene, aim.k, answers, truth);
  const { mean, upper } = recallBound(recalls);
  const work = workOf(answers);
  const ofFresh = asked?.answers ?? answers;
  const freshWork = {
    target: asked?.target ?? aim.target,
    ...workOf(ofFresh),
    recall: meanOf(recallsOf(scene, aim.k, ofFresh, truth).recalls),
  };
  // Of the same queries.
  const beside = asked === undefined ? work : workOf(answers.slice(0, ofFresh.length));
  const result: CellResult = {
    ...aim,
    recall: mean,
    upper,
    bad,
    work,
    fresh: freshWork,
    scannedRatio: ratio(beside.scanned, freshWork.scanned),
    readRatio: ratio(beside.read, freshWork.read),
    isBlind: (truth.crowd.get(aim.k) as number) > CROWD_MAX,
    failures: [],
  };
  // Where float32 does not tell neighbours apart, no work tells them.
  result.failures = failuresOf(result, HELD_STATES.includes(state) && !result.isBlind);
  return result;
}

/** What the declared recall promises, and the limits of cost where `isHeld`. */
function failuresOf(result: CellResult, isHeld: boolean): string[] {
  const { upper, target, bad, scannedRatio, readRatio, work, fresh } = result;
  const failures: string[] = [];
  if (upper < target) failures.push('recall');
  if (bad > 0) failures.push('short');
  if (!isHeld) return failures;
  if (scannedRatio > SCANNED_RATIO_MAX) failures.push('scanned');
  if (readRatio > READ_RATIO_MAX) failures.push('read');
  if (work.comparedAll > fresh.comparedAll + COMPARED_ALL_MAX) failures.push('compared all');
  return failures;
}

function recallsOf(
  { ids, live }: Scene,
  k: number,
  answers: SearchResponse[],
  truth: Truth,
): { recalls: Float64Array; bad: number } {
  const rowOfId = new Map(ids.map((id, i) => [id, i]));
  const wanted = Math.min(k, live.count);
  const recalls = new Float64Array(answers.length);
  let bad = 0;
  for (const [query, { results }] of answers.entries()) {
    const rows = new Set(results.map(({ id }) => rowOfId.get(Number(id))));
    let hits = 0;
    for (const liveRow of rows) if (liveRow !== undefined && truth.isHit(k, query, liveRow)) hits++;
    recalls[query] = hits / wanted;
    if (rows.size !== wanted || results.length !== wanted || rows.has(undefined)) bad++;
  }
  return { recalls, bad };
}

function meanOf(recalls: Float64Array): number {
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

function workOf(answers: SearchResponse[]): Work {
  let [scanned, read, comparedAll] = [0, 0, 0];
  for (const { stats } of answers) {
    if (stats === undefined) throw new Error('an answer came without stats');
    scanned += stats.vectors_scanned;
    // An exact scan reads what it scans.
    read += stats.vectors_reranked + (stats.way === 'exact' ? stats.vectors_scanned : 0);
    if (stats.way === 'exact' || stats.way === 'compared_all') comparedAll++;
  }
  const count = answers.length;
  return { scanned: scanned / count, read: read / count, comparedAll: comparedAll / count };
}

function ratio(value: number, other: number): number {
  if (other === 0) return value === 0 ? 1 : Number.POSITIVE_INFINITY;
  return value / other;
}

function distinct(values: number[]): number[] {
  return [...new Set(values)];
}
