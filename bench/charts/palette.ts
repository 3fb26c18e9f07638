// One colour an engine in all charts.

const COPPICE = '#c0392b';
/** Families share a hue: hnswlib blue, usearch green, LanceDB grey. */
const COLOURS: Record<string, string> = {
  coppice: COPPICE,
  hnswlib: '#7fb3d5',
  'hnswlib-native': '#1f618d',
  'usearch-f32': '#145a32',
  'usearch-f16': '#229954',
  'usearch-i8': '#7dcea0',
  'lancedb-ivf-pq': '#909497',
  'lancedb-ivf-rq': '#515a5a',
  'lancedb-hnsw-sq': '#cacfd2',
};

export function colourOf(engine: string): string {
  return COLOURS[engine] ?? '#000000';
}
