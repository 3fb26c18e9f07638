// The names of Arrow's types, as its documents and pyarrow write them. Runs on any thread.

import type { DataType, Field } from './schema.js';

/** `fixed_size_list<float32>[768]`, for messages. */
export function typeName({ type, children, dictionary }: Field): string {
  const name = plainName(type, children);
  return dictionary === undefined ? name : `dictionary<${name}>`;
}

function plainName(type: DataType, children: readonly Field[]): string {
  const inner = children.map(typeName).join(', ');
  switch (type.kind) {
    case 'int':
      return `${type.isSigned ? 'int' : 'uint'}${type.bits}`;
    case 'float':
      return `float${type.bits}`;
    case 'utf8':
      return type.isLarge ? 'large_utf8' : 'utf8';
    case 'list':
      return `${type.isLarge ? 'large_list' : 'list'}<${inner}>`;
    case 'fixed_size_list':
      return `fixed_size_list<${inner}>[${type.size}]`;
    case 'date':
      return type.unit === 'day' ? 'date32' : 'date64';
    case 'timestamp':
      return `timestamp[${type.unit}]`;
    case 'other':
      return type.name;
    default:
      return type.kind;
  }
}
