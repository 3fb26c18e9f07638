// The figures of a running service: each has a name, a value and a unit.

import { formatTable } from '../report.js';

export interface Figure {
  figure: string;
  value: number;
  unit: string;
  /** What the service promises, where it promises something. */
  wanted: string;
}

export class Figures {
  readonly #figures: Figure[] = [];

  add(figure: string, value: number, unit: string, wanted = ''): void {
    this.#figures.push({ figure, value: Number(value.toPrecision(5)), unit, wanted });
    console.error(`${figure}: ${value.toPrecision(5)} ${unit}`);
  }

  /** The table for people, then one line of JSON for programs. */
  print(): void {
    console.log(formatTable(this.#figures));
    console.log(JSON.stringify(Object.fromEntries(this.#figures.map(({ figure, value }) => [figure, value]))));
  }
}
