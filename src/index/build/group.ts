// Counting sort of small whole numbers: what brings points of one node together. Runs on build workers.

export interface Group {
  value: number;
  first: number;
  end: number;
}

export interface Grouping {
  /** Indexes of `values`, grouped by value; within a group in ascending order. */
  order: Uint32Array;
  /** The groups that are not empty, by value; `first` and `end` are places in `order`. */
  groups: Group[];
}

/** Groups indexes by their value; values are below `valueEnd`. */
export function groupBy(values: Uint32Array, valueEnd: number): Grouping {
  const next = new Uint32Array(valueEnd + 1);
  for (const value of values) next[value + 1] = (next[value + 1] as number) + 1;
  const groups: Group[] = [];
  for (let value = 0; value < valueEnd; value++) {
    const first = next[value] as number;
    const end = first + (next[value + 1] as number);
    if (end > first) groups.push({ value, first, end });
    next[value + 1] = end;
  }
  const order = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    order[next[value] as number] = i;
    next[value] = (next[value] as number) + 1;
  }
  return { order, groups };
}
