// Shows histograms that the hot path fills by itself among the figures of prom-client. Main thread.

import type { Histogram } from '../collections/histogram.js';

interface Value {
  metricName: string;
  labels: Record<string, string | number>;
  value: number;
}

/** All that a registry of prom-client wants of a metric. */
export interface HistogramMetric {
  name: string;
  get(): Promise<{ name: string; help: string; type: string; values: Value[]; aggregator: string }>;
}

/** `series` is asked at each scrape for the histograms by label. */
export function histogramMetric(
  { name, help }: { name: string; help: string },
  series: () => Iterable<[labels: Record<string, string>, histogram: Histogram]>,
): HistogramMetric {
  return {
    name,
    async get() {
      const values = [...series()].flatMap(([labels, histogram]) => valuesOf(name, labels, histogram));
      return { name, help, type: 'histogram', values, aggregator: 'sum' };
    },
  };
}

function valuesOf(name: string, labels: Record<string, string>, { bounds, counts, sum }: Histogram): Value[] {
  let count = 0;
  const buckets = [...bounds, '+Inf'].map((le, index): Value => {
    count += counts[index] as number;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
