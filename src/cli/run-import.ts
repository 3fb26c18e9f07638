// `coppice import`: reads requests from the input and sends some at a time, each again while the service asks for
// patience. Command line; main thread of a process of its own.

import type { Readable, Writable } from 'node:stream';
import { ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';
import { fvecsSource, npySource } from './array-source.js';
import { arrowSource } from './arrow-source.js';
import { IMPORT_HELP, type ImportOptions, readImportOptions, UsageError } from './import-options.js';
import { type ImportRequest, type ImportSource, InputError } from './import-request.js';
import { type Input, openInput } from './input.js';
import { lineSource } from './line-source.js';
import { type Progress, rateText, startProgress, thousands } from './progress.js';
import { type Inserted, Service, ServiceFailure } from './service.js';

/** What a command has of its process. */
export interface Terminal {
  environment: Record<string, string | undefined>;
  stdin: Readable;
  stdout: Writable;
  /** Progress and errors. */
  stderr: Writable & { isTTY?: boolean };
}

const FAILED = 1;
const WRONG_USAGE = 2;

interface Totals {
  points: number;
  rejected: number;
  /** The first bad points that were left out. */
  errors: string[];
}

/** Resolves with the exit code. */
export async function runImport(args: string[], terminal: Terminal): Promise<number> {
  const totals: Totals = { points: 0, rejected: 0, errors: [] };
  const startedMs = performance.now();
  try {
    const options = readImportOptions(args, terminal.environment);
    if (options === 'help') {
      terminal.stdout.write(`${IMPORT_HELP}\n`);
      return 0;
    }
    await importAll(options, terminal, totals);
  } catch (error) {
    const message = messageOf(error);
    if (message === undefined) throw error;
    const stored = totals.points > 0 ? `; ${thousands(totals.points)} points were stored before` : '';
    terminal.stderr.write(`coppice import: ${message}${stored}\n`);
    return error instanceof UsageError ? WRONG_USAGE : FAILED;
  }
  for (const error of totals.errors) terminal.stderr.write(`${error}\n`);
  const seconds = (performance.now() - startedMs) / 1000;
  const skipped = totals.rejected > 0 ? `, ${thousands(totals.rejected)} left out` : '';
  terminal.stdout.write(
    `imported in ${seconds.toFixed(1)} s: ${rateText(totals.points, seconds)}${skipped}\n`,
  );
  return 0;
}

/** Undefined for what is a defect. */
function messageOf(error: unknown): string | undefined {
  if (error instanceof UsageError) return `${error.message}; try coppice import --help`;
  const isExpected = [InputError, ServiceFailure, ServiceError].some((kind) => error instanceof kind);
  return isExpected ? (error as Error).message : undefined;
}

async function importAll(options: ImportOptions, { stdin, stderr }: Terminal, totals: Totals): Promise<void> {
  const input = await openInput(options.file, stdin);
  const stop = new AbortController();
  try {
    const source = await openSource(input, options);
    const progress = startProgress({ output: stderr, inputBytes: input.bytes });
    try {
      const service = new Service({
        ...options,
        signal: stop.signal,
        onRetry: (reason, seconds) => progress.note(`${reason} Trying again in ${seconds} s.`),
      });
      if (options.create) await create(service, source, options);
      await sendAll({ source, service, options, progress, totals }, stop);
    } finally {
      progress.stop();
    }
  } finally {
    stop.abort();
    await input.close();
  }
}

async function openSource(input: Input, options: ImportOptions): Promise<ImportSource> {
  switch (options.format) {
    case 'ndjson':
      return lineSource(input.chunks(), options);
    case 'arrow':
      return arrowSource(input, options);
    case 'npy':
      return npySource(input.chunks(), options);
    case 'fvecs':
      return fvecsSource(input.chunks(), options);
  }
}

async function create(service: Service, source: ImportSource, options: ImportOptions): Promise<void> {
  const dimension = options.dimension ?? source.dimension;
  if (dimension === undefined)
    throw new UsageError('the input does not tell its dimension: give --dimension N');
  await service.createCollection({ name: options.collection, dimension, metric: options.metric });
}

interface Sending {
  source: ImportSource;
  service: Service;
  options: ImportOptions;
  progress: Progress;
  totals: Totals;
}

/** The first failure ends all. */
async function sendAll(sending: Sending, stop: AbortController): Promise<void> {
  const { source, options, totals } = sending;
  const requests = source.requests[Symbol.asyncIterator]();
  let itemsBefore = 0;
  const work = async () => {
    while (!stop.signal.aborted) {
      const { done, value } = await requests.next();
      if (done) return;
      const first = itemsBefore;
      itemsBefore += value.items;
      await send(sending, value, first);
    }
  };
  const workers = Array.from({ length: options.concurrency }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(workers);
    throw error;
  }
  if (totals.points === 0 && totals.rejected === 0) throw new InputError('the input has no points');
}

async function send({ service, options, progress, totals }: Sending, request: ImportRequest, first: number) {
  const query = {
    on_error: options.onError,
    id_column: options.idColumn,
    vector_column: options.vectorColumn,
  };
  let inserted: Inserted;
  try {
    inserted = await service.insert(options.collection, query, request);
  } catch (error) {
    if (!(error instanceof ServiceFailure)) throw error;
    totals.points += error.problem.upserted ?? 0;
    const [issue] = error.problem.errors ?? [];
    throw issue === undefined
      ? error
      : new ServiceFailure(`${error.message} ${placed(issue.path, first)}: ${issue.message}`);
  }
  const { upserted, rejected = 0, errors = [] } = inserted;
  totals.points += upserted;
  totals.rejected += rejected;
  for (const { path, message } of errors.slice(0, ERROR_ISSUES_MAX - totals.errors.length)) {
    totals.errors.push(`left out ${placed(path, first)}: ${message}`);
  }
  progress.add(upserted, request.inputBytes);
}

/** The service counts the items of a request, its reader those of the input. */
function placed(path: string, first: number): string {
  return path
    .replace(/^line (\d+)/, (_, line) => `line ${first + Number(line)}`)
    .replace(/^rows\[(\d+)\]/, (_, row) => `rows[${first + Number(row)}]`);
}
