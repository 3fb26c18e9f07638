// The figures of a running service: each has a name, a value and a unit.

import { recordTable } from '../report.js';

export interface Figure {
  figure: string;
  value: number;
  unit: string;
  /** What the service promises, where it promises something. */
  wanted: string;
  /** Under which settings. */
  setting: string;
}

export class Figures {
  readonly #figures: Figure[] = [];

  /** The figure is also shown at once, on stderr: a full run takes minutes. */
  add(
    figure: string,
    value: number,
    unit: string,
    { wanted = '', setting = '' }: Partial<Figure> = {},
  ): void {
    this.#figures.push({ figure, value: Number(value.toPrecision(4)), unit, wanted, setting });
    console.error(`${figure}: ${value.toPrecision(4)} ${unit}${setting && ` (${setting})`}`);
  }

  get all(): readonly Figure[] {
    return this.#figures;
  }

  /** The table for people, then one line of JSON for programs. */
  print(): void {
    console.log(recordTable(this.#figures));
    console.log(JSON.stringify(this.#figures));
  }
}
