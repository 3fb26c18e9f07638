// Reads a block of NDJSON into a batch and a report of its bad lines. Runs on an ingest worker, or the main thread.

import { type ErrorCode, ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX, NDJSON_LINE_BYTES_MAX } from '../limits.js';
import { parseJson } from './json.js';
import { BatchBuilder, type PointBatch, type PointShape } from './point-batch.js';
import { idKey } from './points.js';

const NEWLINE = 0x0a;

/** `line` counts from 1 over the whole body. */
export interface LineError {
  line: number;
  code: ErrorCode;
  message: string;
}

export interface PointLines {
  /** The good lines. Of lines with the same id the last one counts, as over the whole stream. */
  batch: PointBatch;
  /** Good lines, those replaced by a later line of the block included. */
  accepted: number;
  /** Bad lines. */
  rejected: number;
  /** The first 16 of the bad lines. */
  errors: LineError[];
  /** Lines of the block, blank ones included: the next block begins at firstLine + lineCount. */
  lineCount: number;
}

/**
 * Reads whole lines; the last one may lack its newline. Bad lines are reported, never thrown; blank lines are skipped.
 * @param firstLine number of the block's first line in the body, from 1
 */
export function parsePointLines(lines: Uint8Array, firstLine: number, shape: PointShape): PointLines {
  const builder = new BatchBuilder(shape, countLines(lines), lines.length);
  const rows = new Map<string, number>();
  const errors: LineError[] = [];
  let [accepted, rejected, lineCount] = [0, 0, 0];
  for (let start = 0; start < lines.length; lineCount += 1) {
    const newline = lines.indexOf(NEWLINE, start);
    const end = newline === -1 ? lines.length : newline;
    const line = lines.subarray(start, end);
    start = end + 1;
    if (isBlank(line)) continue;
    try {
      const row = builder.count;
      const id = builder.add(readLine(line), [], (known) => rows.get(idKey(known)));
      if (builder.count > row) rows.set(idKey(id), row);
      accepted += 1;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      rejected += 1;
      if (errors.length < ERROR_ISSUES_MAX) errors.push(lineError(error, firstLine + lineCount));
    }
  }
  return { batch: builder.finish(), accepted, rejected, errors, lineCount };
}

function readLine(line: Uint8Array): unknown {
  if (line.length <= NDJSON_LINE_BYTES_MAX) return parseJson(line);
  const message = `A line has at most ${NDJSON_LINE_BYTES_MAX} bytes`;
  throw new ServiceError('validation_failed', {}, [{ path: '', message }]);
}

function lineError(error: ServiceError, line: number): LineError {
  const issue = error.issues[0];
  if (issue === undefined) return { line, code: error.code, message: error.message };
  const message = issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`;
  return { line, code: error.code, message };
}

function countLines(lines: Uint8Array): number {
  let count = 1;
  for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** Spaces, tabs and the carriage return of a CRLF line end. */
function isBlank(line: Uint8Array): boolean {
  for (const byte of line) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}
