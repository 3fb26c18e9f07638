// The image and the compose files hold what they promise, read as text: no daemon is needed. Runs on the main thread.
import t from 'tap';
import { parse } from 'yaml';
import { filesIn, textOf } from './repository.js';

interface Instruction {
  name: string;
  value: string;
}

/** The stages of a Dockerfile, each with its instructions, continued lines joined; the first holds what stands before FROM. */
function stagesOf(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  const stages: Instruction[][] = [[]];
  for (const line of lines.filter((line) => line.trim() !== '')) {
    const [, name = '', value = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, value });
  }
  return stages;
}

interface Service {
  ports: string[];
  volumes: string[];
  tmpfs: string[];
  read_only: boolean;
  privileged?: boolean;
  user?: string;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  init?: boolean;
  mem_limit: string;
  pids_limit: number;
  env_file: string;
  environment?: Record<string, string>;
  secrets?: string[];
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets?: Record<string, { file: string }>;
}

const stages = stagesOf(textOf('Dockerfile'));
const runtime = stages.at(-1) ?? [];
const compose = parse(textOf('docker-compose.yml')) as Compose;
const service = compose.services.coppice as Service;
const valuesOf = (name: string) => runtime.filter((step) => step.name === name).map(({ value }) => value);
const lastOf = (name: string): string => valuesOf(name).at(-1) ?? '';
const environment = Object.fromEntries(
  textOf('docker/coppice.env')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split('=', 2)),
);

t.test('the image is built in stages on a base that can be given', async (t) => {
  t.equal(stages.length, 3, 'arguments, build stage, runtime stage');
  t.match(stages[0], [{ name: 'ARG', value: /^BASE_IMAGE=node:(?:22|24)-\w+-slim$/ }]);
  for (const stage of stages.slice(1)) t.match(stage[0]?.value, '$' + '{BASE_IMAGE} AS ');
  const build = (stages[1] ?? []).map((step) => step.value).join('\n');
  t.match(build, /npm ci/);
  t.match(build, /npm prune --omit=dev/);
  t.notMatch(runtime.map((step) => step.value).join('\n'), /g\+\+|python3|npm /);
});

t.test('the container does not run as root', async (t) => {
  t.match(lastOf('USER'), /^[1-9]\d*:[1-9]\d*$/, 'by number, which an orchestrator can check');
  t.notOk(service.privileged);
  t.equal(service.user, undefined);
});

t.test('the container stops on SIGTERM, passed on by an init that also reaps', async (t) => {
  t.equal(lastOf('STOPSIGNAL'), 'SIGTERM');
  t.same(JSON.parse(lastOf('ENTRYPOINT')), ['/usr/bin/tini', '--']);
  t.same(JSON.parse(lastOf('CMD')), ['node', 'dist/src/main.js'], 'no shell or npm swallows the signal');
  t.notOk(service.init, 'one init is enough');
});

t.test('the container reports its health by /livez', async (t) => {
  const command = lastOf('HEALTHCHECK').replace(/^.*?CMD /, '');
  const [program, flag, script] = JSON.parse(command) as string[];
  t.same([program, flag], ['node', '-e']);
  t.match(script, /\/livez/);
  t.doesNotThrow(() => new Function(script ?? ''));
});

t.test('data is kept in a volume and nothing else can be written', async (t) => {
  t.equal(lastOf('VOLUME'), '/data');
  t.match(valuesOf('ENV').join(' '), /\bDATA_DIR=\/data\b/);
  t.equal(service.read_only, true);
  const [name = '', path] = service.volumes[0]?.split(':') ?? [];
  t.equal(path, '/data');
  t.ok(Object.hasOwn(compose.volumes, name), 'the named volume is declared');
  t.match(service.tmpfs, [/^\/tmp:/]);
});

t.test('the container has no privileges and bounded memory and processes', async (t) => {
  t.same(service.cap_drop, ['ALL']);
  t.equal(service.cap_add, undefined);
  t.ok(service.security_opt.includes('no-new-privileges:true'));
  t.match(service.mem_limit, /^\d+[mg]$/);
  t.ok(service.pids_limit > 0);
});

t.test('the port is published on this machine only, so that no keys may be needed', async (t) => {
  t.match(valuesOf('ENV').join(' '), /\bHOST=0\.0\.0\.0\b/);
  t.not(service.ports.length, 0);
  for (const port of service.ports) t.match(port, /^127\.0\.0\.1:\d+:7272$/);
  t.equal(environment.ALLOW_ANONYMOUS, 'true');
  t.equal(service.env_file, 'docker/coppice.env');
});

t.test('the overlay asks for keys from a file that is a secret', async (t) => {
  const overlay = parse(textOf('docker/keys.compose.yml')) as Compose;
  const guarded = overlay.services.coppice as Service;
  t.equal(guarded.environment?.ALLOW_ANONYMOUS, 'false');
  t.equal(guarded.environment?.API_KEYS_FILE, `/run/secrets/${guarded.secrets?.[0]}`);
  t.ok(Object.hasOwn(overlay.secrets ?? {}, guarded.secrets?.[0] ?? ''));
  t.match(textOf('.gitignore'), /^docker\/api-keys$/m);
});

t.test('no key, password or token stands in the image or its settings', async (t) => {
  const settings = ['Dockerfile', 'docker-compose.yml', ...filesIn('docker', '.env', '.yml', '.sh')];
  const secret = /\b[A-Z_]*(?:API_KEYS|PASSWORD|SECRET|TOKEN)\s*[=:]\s*\S/;
  t.same(
    settings.filter((path) => secret.test(textOf(path))),
    [],
  );
});

t.test('the build context is an allow list that holds what the Dockerfile copies', async (t) => {
  const lines = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  t.equal(lines[0], '*');
  const allowed = new Set(lines.slice(1).map((line) => line.replace(/^!/, '')));
  const copies = stages.flat().filter((step) => step.name === 'COPY' && !step.value.startsWith('--from'));
  const copied = copies.flatMap((step) => step.value.split(' ').slice(0, -1));
  t.same(
    copied.filter((path) => !allowed.has(path)),
    [],
  );
});
