// The layers of docs/ARCHITECTURE.md as rules: imports go one way, and each vendor has one importer.

const LAYERS = {
  'src/arrow/': ['src/arrow/'],
  'src/contract/': ['src/contract/', 'src/arrow/'],
  'src/kernels/': ['src/kernels/'],
  'src/storage/': ['src/storage/', 'src/contract/'],
  'src/index/': ['src/index/', 'src/kernels/', 'src/contract/'],
  'src/filter/': ['src/filter/', 'src/contract/'],
  'src/workers/': [
    'src/workers/',
    'src/index/',
    'src/kernels/',
    'src/storage/',
    'src/filter/',
    'src/contract/',
  ],
  'src/collections/': [
    'src/collections/',
    'src/workers/',
    'src/index/',
    'src/storage/',
    'src/filter/',
    'src/contract/',
  ],
  'src/http/': [
    'src/http/',
    'src/collections/',
    'src/workers/',
    'src/contract/',
    'src/arrow/',
    'src/api-keys.ts',
  ],
  'src/cli/': ['src/cli/', 'src/arrow/', 'src/version.ts'],
};

/** Modules that stand beside the layers and may be imported from anywhere. They import only each other. */
const SHARED = '^src/(errors|limits|turns)\\.ts$';

const VENDORS = {
  '@node-rs/crc32': '^src/(collections|contract|storage)/',
  'cli-progress': '^src/cli/progress\\.ts$',
  'close-with-grace': '^src/main\\.ts$',
  fastify: '^src/http/',
  '@fastify/[^/]+': '^src/http/',
  'fastify-type-provider-zod': '^src/http/',
  lmdb: '^src/storage/lmdb\\.ts$',
  'mmap-io': '^src/storage/mmap-addon\\.ts$',
  pino: '^src/(log|write-openapi)\\.ts$',
  'pino-pretty': '^src/log\\.ts$',
  piscina: '^src/workers/',
  'prom-client': '^src/http/metrics\\.ts$',
  'roaring-wasm': '^src/filter/row-set\\.ts$',
  zod: '^src/(contract|http)/|^src/config\\.ts$',
};

const layerRules = Object.entries(LAYERS).map(([layer, allowed]) => ({
  name: `layer-${layer.split('/')[1]}`,
  comment: `${layer} imports only ${allowed.join(', ')}, errors.ts, limits.ts and turns.ts.`,
  severity: 'error',
  from: { path: `^${layer}`, pathNot: '^src/kernels/assembly/' },
  to: { path: '^src/', pathNot: [...allowed.map((folder) => `^${folder}`), SHARED] },
}));

/** Their types name what a function is given: the app, the log. */
const TYPES_FROM_ANYWHERE = new Set(['fastify', 'pino']);

const vendorRules = Object.entries(VENDORS).map(([vendor, importer]) => ({
  name: `vendor-${vendor.replace(/[^a-z0-9-]+/g, '-')}`,
  comment: `Only ${importer} knows ${vendor}, so that it can be replaced in one place.`,
  severity: 'error',
  from: { path: '^src/', pathNot: importer },
  to: {
    path: `node_modules/${vendor}/`,
    ...(TYPES_FROM_ANYWHERE.has(vendor) && { dependencyTypesNot: ['type-only'] }),
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    ...vendorRules,
    {
      name: 'shared-stand-alone',
      comment:
        'errors.ts, limits.ts and turns.ts are imported from anywhere and so import nothing of a layer.',
      severity: 'error',
      from: { path: SHARED },
      to: { path: '^src/', pathNot: SHARED },
    },
    {
      name: 'service-apart-from-tests-and-benches',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'assembly-apart',
      comment: 'AssemblyScript is another language: the service knows only the .wasm it compiles to.',
      severity: 'error',
      from: { path: '^(src|test|bench)/', pathNot: '^src/kernels/assembly/' },
      to: { path: '^src/kernels/assembly/' },
    },
    {
      name: 'no-development-packages-in-the-service',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/kernels/assembly/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: { pathNot: '^src/kernels/assembly/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.d.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
