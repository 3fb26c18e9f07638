// How hard the made-up embeddings are for nearest-neighbour search, beside GloVe. Usage: npm run bench -- data [--help]

import { benchOptions } from './bench-options.js';
import { loadBenchData } from './data/bench-vectors.js';
import { difficultyOf } from './data/difficulty.js';
import { loadEmbeddings } from './data/embeddings.js';
import { matrixRows } from './data/vector-rows.js';
import { recordTable } from './report.js';
import { saveResult } from './results.js';

const HELP = `npm run bench -- data [--count N] [--queries N] [--smoke]

--count   made-up embeddings, 200,000 if not said

relativeContrast  mean distance by nearest distance; smaller is harder
localDimension    local intrinsic dimension by maximum likelihood over 100 neighbours; larger is harder
hubness           skewness of how often a vector is among the 10 nearest of others, in a sample of 10,000; larger is harder
meanCosine        of random pairs; embeddings of text share a direction`;

const options = benchOptions(HELP, {
  count: { type: 'string', default: '200000' },
  queries: { type: 'string', default: '500' },
});
const say = (text: string) => console.error(text);
const count = options.smoke ? 2000 : Number(options.count);
const queryCount = options.smoke ? 20 : Number(options.queries);
const rows: object[] = [];

const words = await loadBenchData({ data: 'glove', queries: options.queries, smoke: options.smoke }, say);
const shape = ({ count, dimension }: { count: number; dimension: number }) => `${count} x ${dimension}`;
say(`${words.name}: ${shape(words.base)}`);
rows.push({
  data: words.name,
  size: shape(words.base),
  ...difficultyOf(matrixRows(words.base), words.queries),
});

const made = await loadEmbeddings({ count, queries: queryCount }, say);
say(`embeddings: ${shape(made.base)}`);
rows.push({ data: 'embeddings', size: shape(made.base), ...difficultyOf(made.base, made.queries) });
made.base.close();

console.log(recordTable(rows));
console.log(JSON.stringify(rows));
if (!options.smoke) await saveResult('data', { rows });
