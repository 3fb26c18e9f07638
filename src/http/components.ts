// Names of the OpenAPI document's schemas. The generator writes each schema as `X` (for replies) and as `XInput` (for
// requests): this drops those that nothing refers to, and gives `XInput` the name `X` where that is free or the same.
// Main thread, when the document is made.

const PREFIX = '#/components/schemas/';
const SUFFIX = 'Input';

type Schemas = Record<string, unknown>;

export function tidyComponents<D extends object>(document: D): D {
  const { components, paths } = document as { components?: { schemas?: Schemas }; paths?: unknown };
  const schemas = components?.schemas;
  if (schemas === undefined) return document;
  const used = reachable(paths, schemas);
  const apart = differing(used, schemas);
  const nameOf = (name: string) => {
    const plain = plainName(name);
    return apart.has(plain) ? name : plain;
  };
  const kept = [...used].toSorted().map((name): [string, unknown] => [nameOf(name), schemas[name]]);
  const tidy = { ...document, components: { ...components, schemas: Object.fromEntries(kept) } };
  return renameReferences(tidy, nameOf) as D;
}

/** Names that `root` refers to, directly or by other schemas. */
function reachable(root: unknown, schemas: Schemas): Set<string> {
  const found = new Set<string>();
  const pending = [...references(root)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    pending.push(...references(schemas[name]));
  }
  return found;
}

/** Plain names whose two forms are both used and not the same, or lead to such a one. */
function differing(used: Set<string>, schemas: Schemas): Set<string> {
  const both = [...used].filter((name) => used.has(name + SUFFIX));
  const text = (name: string) => JSON.stringify(renameReferences(schemas[name], plainName));
  const apart = new Set(both.filter((name) => text(name) !== text(name + SUFFIX)));
  for (let size = -1; size !== apart.size; ) {
    size = apart.size;
    for (const name of both) {
      if (references(schemas[name]).some((reference) => apart.has(plainName(reference)))) apart.add(name);
    }
  }
  return apart;
}

function plainName(name: string): string {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
}

function references(root: unknown): string[] {
  const names: string[] = [];
  JSON.stringify(root ?? null, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') names.push(value.slice(PREFIX.length));
    return value;
  });
  return names;
}

function renameReferences(root: unknown, nameOf: (name: string) => string): unknown {
  return JSON.parse(JSON.stringify(root), (key, value: unknown) => {
    return key === '$ref' && typeof value === 'string' ? PREFIX + nameOf(value.slice(PREFIX.length)) : value;
  });
}
