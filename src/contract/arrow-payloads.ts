// The payload columns of an Arrow table: all but id and vector; their names are the keys. Runs on an ingest worker.

import { type Column, isNull } from '../arrow/columns.js';
import { ServiceError } from '../errors.js';
import { PAYLOAD_BYTES_MAX } from '../limits.js';
import { type JsonReader, jsonReader, ValueRefusal } from './arrow-json.js';

interface Member {
  column: Column;
  /** `"key":` */
  keyText: string;
  read: JsonReader;
}

export class ArrowPayloads {
  readonly #members: Member[];

  /** @throws not_supported on a type that no payload has, validation_failed on a name that is no key */
  constructor(columns: readonly Column[]) {
    this.#members = columns.map((column) => {
      const { name } = column.field;
      if (name === '__proto__') throw refusal(name, 'This name of a column could reach a prototype');
      return { column, keyText: `${JSON.stringify(name)}:`, read: jsonReader(column) };
    });
  }

  /** JSON of a row without its nulls; null where nothing is left. @throws validation_failed, with the column as path */
  textAt(row: number): string | null {
    let text = '';
    for (const { column, keyText, read } of this.#members) {
      if (isNull(column, row)) continue;
      try {
        text += `${text === '' ? '{' : ','}${keyText}${read(row)}`;
      } catch (error) {
        if (!(error instanceof ValueRefusal)) throw error;
        throw refusal(column.field.name, `The value ${error.message}`);
      }
      if (text.length >= PAYLOAD_BYTES_MAX) throw refusal('', payloadTooLong());
    }
    return text === '' ? null : `${text}}`;
  }
}

export function payloadTooLong(): string {
  return `A payload has at most ${PAYLOAD_BYTES_MAX} bytes`;
}

function refusal(path: string, message: string): ServiceError {
  return new ServiceError('validation_failed', {}, [{ path, message }]);
}
