// Medians, and tables of records, for what benchmarks print.

import { textTable } from './text-table.js';

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One line a record, with the columns of the first; numbers with as many digits as they deserve. */
export function recordTable(records: object[]): string {
  const head = Object.keys(records[0] ?? {});
  const cells = records.map((record) =>
    head.map((column) => cell((record as Record<string, unknown>)[column])),
  );
  return `${textTable(head, cells)}\n`;
}

function cell(value: unknown): string {
  if (typeof value !== 'number') return String(value ?? '');
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 4);
}
