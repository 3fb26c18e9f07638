// The header of a .npy file. Command line. Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import type { ChunkReader } from '../arrow/chunk-reader.js';
import { InputError } from './import-request.js';

// | offset | bytes | type | meaning                                                                  |
// |     0  |   6   | text | \x93NUMPY                                                                |
// |     6  |   2   | u8   | major and minor version: 1.0, 2.0 or 3.0                                 |
// |     8  | 2, 4  | uint | length of the rest of the header, u16 in version 1.0, u32 in later ones  |
// |   ...  |  ...  | text | a Python dictionary: descr, fortran_order, shape                         |

const MAGIC = '\x93NUMPY';
const HEADER_BYTES_MAX = 64 * 1024;
const FLOAT_BYTES: Record<string, 4 | 8> = { '<f4': 4, '<f8': 8 };

export interface NpyHeader {
  rows: number;
  dimension: number;
  floatBytes: 4 | 8;
}

/** Reads the header; the reader stands at the first row then. @throws InputError on what is no array of vectors */
export async function readNpyHeader(reader: ChunkReader): Promise<NpyHeader> {
  const start = await reader.read(MAGIC.length + 2);
  if (!Buffer.from(start).toString('latin1').startsWith(MAGIC))
    throw new InputError('the file is no .npy array');
  const version = start[MAGIC.length] ?? 0;
  if (version < 1 || version > 3) {
    throw new InputError(`.npy version ${version} is not known; save the array anew with NumPy`);
  }
  const length = Buffer.from(await reader.read(version === 1 ? 2 : 4));
  const bytes = length.length < 2 ? 0 : length.readUIntLE(0, length.length);
  if (bytes > HEADER_BYTES_MAX) throw new InputError(`the .npy header has ${bytes} bytes`);
  return parseHeader(Buffer.from(await reader.read(bytes)).toString());
}

function parseHeader(text: string): NpyHeader {
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const floatBytes = FLOAT_BYTES[type ?? ''];
  if (floatBytes === undefined) {
    throw new InputError(`the array holds ${type ?? 'no plain numbers'}; convert it by .astype('<f4')`);
  }
  if (!/'fortran_order':\s*False/.test(text)) {
    throw new InputError('the array lies column by column; save np.ascontiguousarray of it');
  }
  const shape = /'shape':\s*\(\s*(\d+),\s*(\d+),?\s*\)/.exec(text);
  if (shape === null) throw new InputError('the array does not have two dimensions, (rows, numbers)');
  return { rows: Number(shape[1]), dimension: Number(shape[2]), floatBytes };
}
