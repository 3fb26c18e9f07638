// What a collection with payloads must answer: a Map of points, filtered by mingo, ranked by brute force.

import { Query } from 'mingo';
import type { Filter } from '../../src/contract/filter.js';
import type { Metric } from '../../src/contract/index-settings.js';
import type { Payload } from '../../src/contract/payload.js';
import { documentOf, mongoQuery } from '../filter/mongo-query.js';

export interface ModelPoint {
  id: string | number;
  vector: number[];
  payload: Payload | null;
}

export type ModelChange =
  | { set: Payload }
  | { overwrite: Payload }
  /** As the wire has it. */
  | { delete_keys: string[] };

type Scalar = string | number | boolean;

/** Smaller is nearer. */
const RANKS: Record<Metric, (a: number[], b: number[]) => number> = {
  l2: (a, b) => Math.sqrt(Math.max(0, dot(a, a) - 2 * dot(a, b) + dot(b, b))),
  cosine: (a, b) => -dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  dot: (a, b) => -dot(a, b),
};

export class FilterOracle {
  /** By the id's text: 5 and "5" are one point. */
  readonly points = new Map<string, ModelPoint>();
  readonly #metric: Metric;

  constructor(metric: Metric) {
    this.#metric = metric;
  }

  upsert(points: readonly ModelPoint[]): void {
    for (const point of points) this.points.set(String(point.id), point);
  }

  /** How many there were. */
  delete(keys: Iterable<string>): number {
    return [...keys].filter((key) => this.points.delete(key)).length;
  }

  /** How many there were. */
  update(keys: Iterable<string>, change: ModelChange): number {
    const found = [...keys].flatMap((key) => this.points.get(key) ?? []);
    for (const point of found)
      this.points.set(String(point.id), { ...point, payload: changed(point.payload, change) });
    return found.length;
  }

  /** Keys of the points that meet the filter, in the order of their bytes. */
  matching(filter: Filter): string[] {
    const query = new Query(mongoQuery(filter));
    return [...this.points.values()]
      .filter(({ id, payload }) => query.test(documentOf(id, payload)))
      .map(({ id }) => String(id))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** How many of the points have each value. */
  facet(keys: readonly string[], key: string): Map<Scalar, number> {
    const counts = new Map<Scalar, number>();
    for (const one of keys) {
      for (const value of this.valuesOf(one, key)) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  }

  valuesOf(pointKey: string, key: string): Set<Scalar> {
    return new Set(scalarsAt(this.points.get(pointKey)?.payload ?? null, key.split('.')));
  }

  rank(vector: number[], pointKey: string): number {
    return RANKS[this.#metric](vector, this.points.get(pointKey)?.vector ?? []);
  }

  /** Distances of the nearest of these points. */
  nearest(vector: number[], keys: readonly string[], k: number): number[] {
    return keys
      .map((key) => this.rank(vector, key))
      .sort((a, b) => a - b)
      .slice(0, k);
  }

  /** Of these points those that have the value. */
  having(keys: readonly string[], key: string, value: Scalar): string[] {
    return keys.filter((one) => this.valuesOf(one, key).has(value));
  }
}

export function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

function* scalarsAt(value: unknown, path: readonly string[]): Generator<Scalar> {
  if (Array.isArray(value)) {
    for (const element of value) yield* scalarsAt(element, path);
  } else if (path.length === 0) {
    if (value !== undefined && value !== null && typeof value !== 'object') yield value as Scalar;
  } else if (typeof value === 'object' && value !== null) {
    const [first = '', ...rest] = path;
    yield* scalarsAt((value as Payload)[first], rest);
  }
}

function changed(before: Payload | null, change: ModelChange): Payload | null {
  if ('set' in change) return Object.assign({}, before, change.set);
  if ('overwrite' in change) return change.overwrite;
  if (before === null) return null;
  return change.delete_keys.reduce((payload, key) => without(payload, key.split('.')) as Payload, before);
}

/** A copy without what the path leads to. */
function without(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((element) => without(element, path));
  if (typeof value !== 'object' || value === null) return value;
  const [first, ...rest] = path;
  const members = Object.entries(value).flatMap(([key, member]) => {
    if (key !== first) return [[key, member]];
    return rest.length === 0 ? [] : [[key, without(member, rest)]];
  });
  return Object.fromEntries(members);
}
