// Tables for a terminal: columns of equal width, numbers to the right.

/** `rows` under `head`; every cell is text already. */
export function textTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isNumeric = head.map((_, column) => rows.every((row) => /^[\d.,]*$/.test(row[column] ?? '')));
  const line = (cells: string[]) => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] as number;
      return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
    });
    return `  ${padded.join('  ')}`.trimEnd();
  };
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** 341479 -> 341,479 */
export function thousands(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
