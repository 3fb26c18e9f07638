// The made-up embeddings of the benchmarks.

import t from 'tap';
import { EMBEDDING_DIMENSION, EmbeddingSource } from '../../bench/data/embeddings.js';
import { row } from '../../bench/data/split.js';

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

t.test('a row depends on the seed and its number alone', async (t) => {
  const source = new EmbeddingSource(7);
  const together = source.rows(0, 5);
  const alone = new EmbeddingSource(7).rows(3, 1);
  t.strictSame(alone, together.slice(3 * EMBEDDING_DIMENSION, 4 * EMBEDDING_DIMENSION));
  t.notSame(new EmbeddingSource(8).rows(3, 1), alone);
});

t.test('rows have unit length and share a direction', async (t) => {
  const count = 200;
  const values = new EmbeddingSource(1).rows(0, count);
  const rows = Array.from({ length: count }, (_, i) =>
    row({ count, dimension: EMBEDDING_DIMENSION, values }, i),
  );
  for (const vector of rows) t.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
  const cosines = rows.slice(1).map((vector, i) => dot(vector, rows[i] as Float32Array));
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  t.ok(mean > 0.2 && mean < 0.45, `mean cosine ${mean}`);
});

t.test('queries are among no base', async (t) => {
  const source = new EmbeddingSource(1);
  const queries = source.queries(2);
  t.equal(queries.count, 2);
  t.notSame(row(queries, 0), source.rows(0, 1));
  t.strictSame(source.queries(2).values, queries.values);
});
