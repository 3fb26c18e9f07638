// LanceDB as an engine of the search benchmark: IVF_PQ, IVF_RQ and HNSW_SQ over one table in files.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Matrix, row } from '../data/split.js';
import { type Engine, type EngineOptions, timedBuild } from './engine.js';
import { GRAPH } from './graph.js';
import type { PeerPackages } from './peer-packages.js';

export const LANCEDB_KINDS = ['ivf-pq', 'ivf-rq', 'hnsw-sq'] as const;
type Kind = (typeof LANCEDB_KINDS)[number];

/** IVF_RQ wants a multiple of 8; zeros at the end change no distance. */
const DIMENSION_MULTIPLE = 8;
const TABLE = 'vectors';
const WRITE_ROWS = 50_000;
/** It defaults to one partition per 8192 rows, made for tables on remote storage; this many find the same with less work. */
const ROWS_PER_PARTITION = 600;
/** A byte for four dimensions, as many as Coppice's codes have; its default is one for sixteen. */
const DIMENSIONS_PER_SUBVECTOR = 4;
const RQ_BITS = 4;

const IVF_EFFORTS = [
  { nprobes: 5, refine: 3 },
  { nprobes: 10, refine: 3 },
  { nprobes: 20, refine: 4 },
  { nprobes: 40, refine: 5 },
  { nprobes: 80, refine: 5 },
  { nprobes: 120, refine: 10 },
  { nprobes: 200, refine: 15 },
];
const HNSW_EFFORTS = [
  { ef: 24, refine: 2 },
  { ef: 40, refine: 2 },
  { ef: 64, refine: 3 },
  { ef: 128, refine: 5 },
  { ef: 256, refine: 5 },
  { ef: 512, refine: 10 },
];

interface Lance {
  connect(directory: string): Promise<{
    createTable(name: string, data: unknown, options: { mode: 'overwrite' }): Promise<Table>;
    openTable(name: string): Promise<Table>;
  }>;
  Index: {
    ivfPq(options: object): unknown;
    ivfRq(options: object): unknown;
    hnswSq(options: object): unknown;
  };
}

interface Table {
  add(data: unknown): Promise<unknown>;
  createIndex(column: string, options: { config: unknown; replace: boolean }): Promise<void>;
  listIndices(): Promise<{ sizeBytes: number; indexType: string }[]>;
  vectorSearch(vector: Float32Array): Query;
}

interface Query {
  distanceType(type: 'cosine'): Query;
  limit(k: number): Query;
  select(columns: string[]): Query;
  refineFactor(factor: number): Query;
  nprobes(count: number): Query;
  ef(width: number): Query;
  fastSearch(): Query;
  toArrow(): Promise<{ getChild(name: string): { toArray(): Int32Array } }>;
}

/** Its own threads cannot be counted from here: the whole process is held to one core instead (`one-core.ts`). */
export async function lancedb(
  { base, queries, k, ...options }: EngineOptions,
  kind: Kind,
  packages: PeerPackages,
): Promise<Engine> {
  const lance = packages.load<Lance>('@lancedb/lancedb');
  const padded = padColumns(queries);
  const name = `lancedb-${kind}`;
  const directory = join(options.directory, name);
  if (!(options.reuse && existsSync(directory))) await writeTable(lance, packages, directory, base);
  const build = await timedBuild(options, directory, async () => {
    const table = await (await lance.connect(directory)).openTable(TABLE);
    const config = indexOf(lance, kind, base.count, padded.dimension);
    await table.createIndex('vector', { config, replace: true });
  });
  const table = await (await lance.connect(directory)).openTable(TABLE);
  const [index] = await table.listIndices();
  if (index === undefined) throw new Error(`${name} has no index`);
  const ask = (query: number) =>
    table
      .vectorSearch(row(padded, query))
      .distanceType('cosine')
      .limit(k)
      .select(['id', '_distance'])
      .fastSearch();
  const ids = async (query: Query) => (await query.toArrow()).getChild('id').toArray();
  const efforts =
    kind === 'hnsw-sq'
      ? HNSW_EFFORTS.map(({ ef, refine }) => ({
          setting: `ef ${ef}, refine ${refine}`,
          search: (query: number) => ids(ask(query).nprobes(1).ef(ef).refineFactor(refine)),
        }))
      : IVF_EFFORTS.map(({ nprobes, refine }) => ({
          setting: `nprobes ${nprobes}, refine ${refine}`,
          search: (query: number) => ids(ask(query).nprobes(nprobes).refineFactor(refine)),
        }));
  return {
    name,
    about: `@lancedb/lancedb ${packages.version('@lancedb/lancedb')}, ${aboutOf(kind, base.count, padded.dimension)}`,
    build,
    indexBytes: index.sizeBytes,
    fileBytes: base.count * padded.dimension * Float32Array.BYTES_PER_ELEMENT,
    efforts,
    close: async () => {},
  };
}

function indexOf(lance: Lance, kind: Kind, count: number, dimension: number): unknown {
  const numPartitions = Math.max(1, Math.round(count / ROWS_PER_PARTITION));
  const distanceType = 'cosine';
  switch (kind) {
    case 'ivf-pq':
      return lance.Index.ivfPq({
        distanceType,
        numPartitions,
        numSubVectors: dimension / DIMENSIONS_PER_SUBVECTOR,
      });
    case 'ivf-rq':
      return lance.Index.ivfRq({ distanceType, numPartitions, numBits: RQ_BITS });
    case 'hnsw-sq':
      return lance.Index.hnswSq({
        distanceType,
        numPartitions: 1,
        m: GRAPH.m,
        efConstruction: GRAPH.efConstruction,
      });
  }
}

function aboutOf(kind: Kind, count: number, dimension: number): string {
  const partitions = Math.max(1, Math.round(count / ROWS_PER_PARTITION));
  switch (kind) {
    case 'ivf-pq':
      return `IVF_PQ, ${partitions} partitions, ${dimension / DIMENSIONS_PER_SUBVECTOR} sub-vectors of 8 bits`;
    case 'ivf-rq':
      return `IVF_RQ, ${partitions} partitions, ${RQ_BITS} bits`;
    case 'hnsw-sq':
      return `IVF_HNSW_SQ, 1 partition, m ${GRAPH.m}, ef_construction ${GRAPH.efConstruction}`;
  }
}

/** Arrow tables are made by the version LanceDB brings along, as it asks for. */
async function writeTable(
  lance: Lance,
  packages: PeerPackages,
  directory: string,
  base: Matrix,
): Promise<void> {
  const arrow = packages.load<Arrow>('apache-arrow');
  const database = await lance.connect(directory);
  let table: Table | undefined;
  for (let first = 0; first < base.count; first += WRITE_ROWS) {
    const count = Math.min(WRITE_ROWS, base.count - first);
    const values = base.values.subarray(first * base.dimension, (first + count) * base.dimension);
    const rows = arrowTable(arrow, padColumns({ count, dimension: base.dimension, values }), first);
    if (table === undefined) table = await database.createTable(TABLE, rows, { mode: 'overwrite' });
    else await table.add(rows);
  }
}

interface Arrow {
  Field: new (name: string, type: unknown, nullable: boolean) => { type: unknown };
  FixedSizeList: new (length: number, field: unknown) => unknown;
  Float32: new () => unknown;
  Int32: new () => unknown;
  Struct: new (fields: unknown[]) => unknown;
  Schema: new (fields: unknown[]) => unknown;
  RecordBatch: new (schema: unknown, data: unknown) => unknown;
  Table: new (schema: unknown, batches: unknown[]) => unknown;
  makeData(options: object): unknown;
}

function arrowTable(arrow: Arrow, { count, dimension, values }: Matrix, firstId: number): unknown {
  const item = new arrow.Field('item', new arrow.Float32(), true);
  const vectors = new arrow.Field('vector', new arrow.FixedSizeList(dimension, item), true);
  const ids = new arrow.Field('id', new arrow.Int32(), false);
  const child = arrow.makeData({ type: new arrow.Float32(), data: values });
  const columns = [
    arrow.makeData({ type: ids.type, data: Int32Array.from({ length: count }, (_, i) => firstId + i) }),
    arrow.makeData({ type: vectors.type, length: count, nullCount: 0, child }),
  ];
  const schema = new arrow.Schema([ids, vectors]);
  const type = new arrow.Struct([ids, vectors]);
  const data = arrow.makeData({ type, length: count, nullCount: 0, children: columns });
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]);
}

function padColumns(matrix: Matrix): Matrix {
  const { count } = matrix;
  const dimension = Math.ceil(matrix.dimension / DIMENSION_MULTIPLE) * DIMENSION_MULTIPLE;
  if (dimension === matrix.dimension) return matrix;
  const padded = { count, dimension, values: new Float32Array(count * dimension) };
  for (let i = 0; i < count; i++) row(padded, i).set(row(matrix, i));
  return padded;
}
