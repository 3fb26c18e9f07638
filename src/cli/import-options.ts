// The options of `coppice import`: what there are, what they mean, and which are wrong. Command line.

import { parseArgs } from 'node:util';
import { POINTS_PER_REQUEST_MAX } from '../limits.js';

export const FORMATS = ['ndjson', 'arrow', 'npy', 'fvecs'] as const;
const METRICS = ['cosine', 'l2', 'dot'];
const ENDINGS: Record<string, Format> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  arrow: 'arrow',
  arrows: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
  npy: 'npy',
  fvecs: 'fvecs',
};
const BATCH_DEFAULT = 1000;
const CONCURRENCY_DEFAULT = 4;
const CONCURRENCY_MAX = 32;
const RETRIES_DEFAULT = 30;

export type Format = (typeof FORMATS)[number];

export interface ImportOptions {
  /** `-` is stdin. */
  file: string;
  format: Format;
  collection: string;
  url: string;
  apiKey: string | undefined;
  /** Create the collection first, where it is not there. */
  create: boolean;
  metric: string;
  dimension: number | undefined;
  batch: number;
  concurrency: number;
  retries: number;
  onError: 'stop' | 'skip';
  idColumn: string;
  vectorColumn: string;
  idOffset: number;
}

/** Told with the usage, and exit code 2. */
export class UsageError extends Error {}

export const IMPORT_HELP = `coppice import FILE --collection NAME [options]

Sends the points of a file, or of stdin (FILE is -), to a running service, and ends with one line that sums up.

  FILE   .ndjson .jsonl             one point a line: {"id", "vector", "payload"}
         .arrow .arrows .feather    Arrow IPC, file or stream: columns id and vector, all others are payload
         .npy .fvecs                arrays of vectors; ids are row numbers

  --format FORMAT       ${FORMATS.join(', ')}; default: by the ending of FILE
  --collection NAME     where to
  --url URL             the service; default http://127.0.0.1:7272
  --api-key KEY         default: the environment's COPPICE_API_KEY
  --create              create the collection, unless it is there
  --metric METRIC       with --create: ${METRICS.join(', ')}; default cosine
  --dimension N         with --create: where FILE does not tell it
  --batch N             points a request, at most ${POINTS_PER_REQUEST_MAX}; default ${BATCH_DEFAULT}
  --concurrency N       requests at a time; default ${CONCURRENCY_DEFAULT}. Where ids repeat, 1 lets the last one win
  --retries N           tries after 429, 503 or a lost connection; default ${RETRIES_DEFAULT}
  --on-error WHAT       stop at the first bad point, or skip bad points; default stop
  --id-column NAME      of Arrow; default id
  --vector-column NAME  of Arrow; default vector
  --id-offset N         added to the row numbers of .npy and .fvecs; default 0

Points that are there already are replaced: an import that stopped can be started again.
Exit code: 0 all is stored, 1 it is not, 2 wrong options.`;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  format: { type: 'string' },
  collection: { type: 'string' },
  url: { type: 'string', default: 'http://127.0.0.1:7272' },
  'api-key': { type: 'string' },
  create: { type: 'boolean', default: false },
  metric: { type: 'string', default: 'cosine' },
  dimension: { type: 'string' },
  batch: { type: 'string', default: String(BATCH_DEFAULT) },
  concurrency: { type: 'string', default: String(CONCURRENCY_DEFAULT) },
  retries: { type: 'string', default: String(RETRIES_DEFAULT) },
  'on-error': { type: 'string', default: 'stop' },
  'id-column': { type: 'string', default: 'id' },
  'vector-column': { type: 'string', default: 'vector' },
  'id-offset': { type: 'string', default: '0' },
} as const;

/** `help` where it was asked for. @throws UsageError */
export function readImportOptions(
  args: string[],
  environment: Record<string, string | undefined>,
): ImportOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw new UsageError('give one FILE, or - for stdin');
  const { collection } = values;
  if (collection === undefined) throw new UsageError('give --collection NAME');
  return {
    file,
    format: formatOf(file, values.format),
    collection,
    url: urlOf(values.url),
    apiKey: values['api-key'] ?? (environment.COPPICE_API_KEY || undefined),
    create: values.create,
    metric: oneOf('--metric', METRICS, values.metric),
    dimension: values.dimension === undefined ? undefined : integer('--dimension', values.dimension, 1),
    batch: integer('--batch', values.batch, 1, POINTS_PER_REQUEST_MAX),
    concurrency: integer('--concurrency', values.concurrency, 1, CONCURRENCY_MAX),
    retries: integer('--retries', values.retries, 0),
    onError: oneOf('--on-error', ['stop', 'skip'], values['on-error']),
    idColumn: values['id-column'],
    vectorColumn: values['vector-column'],
    idOffset: integer('--id-offset', values['id-offset'], 0),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function formatOf(file: string, named: string | undefined): Format {
  if (named !== undefined) return oneOf('--format', FORMATS, named);
  const format = ENDINGS[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''];
  if (format !== undefined) return format;
  throw new UsageError(`give --format, one of ${FORMATS.join(', ')}`);
}

function urlOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new UsageError(`--url takes an http or https address, not ${text}`);
}

function integer(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(
    `${name} takes an integer from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}`,
  );
}

function oneOf<Value extends string>(name: string, values: readonly Value[], text: string): Value {
  const value = values.find((known) => known === text);
  if (value !== undefined) return value;
  throw new UsageError(`${name} is one of ${values.join(', ')}, not ${text}`);
}
