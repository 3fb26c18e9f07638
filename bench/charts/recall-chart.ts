// Recall against speed: one line an engine, up and to the right is better.

import { bestPoints, type Speed } from '../search/compare.js';
import type { Point } from '../search/measure.js';
import { colourOf } from './palette.js';
import { svgOf } from './svg.js';

const SIZE = { width: 860, height: 480 };
const RECALL_MIN = 0.8;
/** Recalls shown in even steps of what is missed: 0.8, 0.9, 0.95, 0.99 and so on would else crowd at the right. */
const MISS_MIN = 0.001;

export const byProcessor: Speed = ({ cpuUs }) => 1e6 / cpuUs;

export function recallChart(title: string, points: Point[]): string {
  const engines = [...new Set(points.map(({ engine }) => engine))];
  return svgOf(
    {
      title: { text: title, left: 'center', textStyle: { fontSize: 14 } },
      legend: { bottom: 0, icon: 'roundRect', itemHeight: 4 },
      grid: { left: 70, right: 30, top: 50, bottom: 90 },
      xAxis: {
        type: 'log',
        inverse: true,
        name: 'recall@10',
        nameLocation: 'middle',
        nameGap: 28,
        min: MISS_MIN,
        max: 1 - RECALL_MIN,
        axisLabel: { formatter: (missed: number) => String(Number((1 - missed).toPrecision(4))) },
      },
      yAxis: {
        type: 'log',
        name: 'searches a second of one core',
        nameLocation: 'middle',
        nameGap: 50,
      },
      series: engines.map((engine) => ({
        name: engine,
        type: 'line',
        color: colourOf(engine),
        lineStyle: { width: engine === 'coppice' ? 3 : 1.5 },
        symbolSize: engine === 'coppice' ? 7 : 5,
        symbol: 'circle',
        data: bestPoints(
          points.filter((point) => point.engine === engine),
          byProcessor,
        )
          .filter(({ recall }) => recall >= RECALL_MIN)
          .map((point) => [Math.max(MISS_MIN, 1 - point.recall), Math.round(byProcessor(point))]),
      })),
    },
    SIZE,
  );
}
