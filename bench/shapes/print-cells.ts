// Cells as lines of a table, printed as they are measured, and the summary of those that failed.

import type { Metric } from '../../src/contract/index-settings.js';
import type { CellResult } from './cell.js';

export interface Cell {
  shape: string;
  metric: Metric;
  state: string;
  result: CellResult;
}

const COLUMNS: [title: string, width: number][] = [
  ['shape', 20],
  ['metric', 6],
  ['state', 15],
  ['k', 3],
  ['target', 6],
  ['recall', 6],
  ['upper', 6],
  ['fresh', 6],
  ['scanned', 7],
  ['fresh', 6],
  ['ratio', 5],
  ['read', 6],
  ['fresh', 6],
  ['ratio', 5],
  ['all %', 5],
  ['fresh', 5],
  ['bad', 4],
  ['', 0],
];
/** Columns of text: to the left. */
const TEXT_COLUMNS = [0, 1, 2, 17];

export function printHead(): void {
  console.log(line(COLUMNS.map(([title]) => title)));
  console.log(line(COLUMNS.map(([, width]) => '-'.repeat(width))));
}

export function printRow(cell: Cell): void {
  const { k, target, recall, upper, work, fresh, scannedRatio, readRatio, bad } = cell.result;
  const [name, metric, state] = [cell.shape, cell.metric, cell.state];
  console.log(
    line([
      name,
      metric,
      state,
      `${k}`,
      `${target}`,
      recall.toFixed(4),
      upper.toFixed(4),
      fresh.recall.toFixed(4),
      work.scanned.toFixed(0),
      fresh.scanned.toFixed(0),
      scannedRatio.toFixed(2),
      work.read.toFixed(1),
      fresh.read.toFixed(1),
      readRatio.toFixed(2),
      (100 * work.comparedAll).toFixed(1),
      (100 * fresh.comparedAll).toFixed(1),
      `${bad}`,
      remark(cell.result),
    ]),
  );
}

/** What failed, by shape, metric and state, and how much of everything that is. */
export function printSummary(cells: readonly Cell[], seconds: number): void {
  const failed = cells.filter(({ result }) => result.failures.length > 0);
  console.log(`\nfailed: ${failed.length} of ${cells.length} rows, in ${seconds.toFixed(0)} s`);
  const blind = cells.filter(({ result }) => result.isBlind).length;
  console.log(
    `blind: ${blind} rows where float32 does not tell the neighbours apart, so that recall says little`,
  );
  const byCell = new Map<string, Cell[]>();
  for (const cell of failed) {
    const name = line([cell.shape, cell.metric, cell.state]);
    byCell.set(name, [...(byCell.get(name) ?? []), cell]);
  }
  for (const [name, rows] of byCell) {
    const each = rows.map(({ result }) => {
      const { k, target, recall, failures } = result;
      return `k ${k} at ${target}: ${failures.join(', ')} (${recall.toFixed(3)})`;
    });
    console.log(`${name}  ${each.join('; ')}`);
  }
}

function remark({ failures, isBlind }: CellResult): string {
  const failed = failures.length > 0 ? `FAILED: ${failures.join(', ')}` : '';
  return [failed, isBlind ? 'blind' : ''].filter((part) => part !== '').join(' ');
}

function line(cells: string[]): string {
  const padded = cells.map((cell, i) => {
    const width = COLUMNS[i]?.[1] ?? 0;
    return TEXT_COLUMNS.includes(i) ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join(' ').trimEnd();
}
