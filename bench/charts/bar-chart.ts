// One figure of each engine as bars, on a scale of powers of ten: the engines differ that much.

import { colourOf } from './palette.js';
import { svgOf } from './svg.js';

const WIDTH = 860;
const BAR_HEIGHT = 30;
const FRAME_HEIGHT = 90;

export interface Bar {
  engine: string;
  value: number;
}

/** The smallest on top: less is better in all of them. */
export function barChart(title: string, bars: Bar[]): string {
  const sorted = [...bars].sort((a, b) => b.value - a.value);
  return svgOf(
    {
      title: { text: title, left: 'center', textStyle: { fontSize: 14 } },
      grid: { left: 130, right: 80, top: 40, bottom: 30 },
      xAxis: { type: 'log' },
      yAxis: { type: 'category', data: sorted.map(({ engine }) => engine) },
      series: [
        {
          type: 'bar',
          barWidth: 16,
          label: { show: true, position: 'right' },
          data: sorted.map(({ engine, value }) => ({
            value: Number(value.toPrecision(3)),
            itemStyle: { color: colourOf(engine) },
          })),
        },
      ],
    },
    { width: WIDTH, height: FRAME_HEIGHT + BAR_HEIGHT * bars.length },
  );
}
