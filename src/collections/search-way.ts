// How a search went, by what its query asked for and its threads tell. Main thread.

import type { Answer, Query, SearchWay } from '../index/query.js';

/** Under a filter a search that began with leaves may have ended with a comparison of all matches. */
export function searchWayOf(
  { exact }: Pick<Query, 'exact'>,
  { stats: { searchWay, way } }: Answer,
): SearchWay {
  return searchWay ?? (exact || way === 'exact' ? 'exact' : 'probes');
}
