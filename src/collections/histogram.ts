// Counts of values by bucket, as cheap as the hot path needs them: what shows them reads the counts. Runs on any thread.

export class Histogram {
  /** Upper bounds of the buckets, ascending; a last bucket takes what is larger. */
  readonly bounds: readonly number[];
  /** Values of each bucket alone, the last one's included. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}
