// What the crash test's processes write and its oracle expects.

export const DIMENSION = 6;
/** Ids are the integers below this. */
export const IDS = 400;

export interface CrashWrite {
  kind: 'upsert' | 'delete';
  ids: number[];
  /** Written with the points. */
  version: number;
}

/** The vector of a point at a version. */
export function crashVector(id: number, version: number): number[] {
  return Array.from({ length: DIMENSION }, (_, at) =>
    Math.fround(Math.sin(id * 7 + at * 3 + (version % 1000))),
  );
}
