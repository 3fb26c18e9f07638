// What the documents promise about the repository is true. Runs on the main thread.
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import t from 'tap';
import { filesIn, textOf } from './repository.js';

const documents = filesIn('', '.md');
const packageJson = JSON.parse(textOf('package.json')) as {
  version: string;
  scripts: Record<string, string>;
};

/** GitHub's anchor of a heading: lower case, punctuation dropped, blanks to dashes. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

function proseOf(path: string): string {
  return textOf(path).replaceAll(/^```[\s\S]*?^```/gm, '');
}

function linksOf(path: string): string[] {
  const targets = [...proseOf(path).matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map((match) => match[1] ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

t.test('each npm script that a document names exists', async (t) => {
  for (const path of documents) {
    const named = [...textOf(path).matchAll(/npm run ([a-z0-9:_-]+)/g)].map((match) => match[1] ?? '');
    const missing = named.filter((name) => packageJson.scripts[name.replace(/[:_-]$/, '')] === undefined);
    t.same(missing, [], path);
  }
});

t.test('each relative link of a document leads somewhere', async (t) => {
  for (const path of documents) {
    const broken = linksOf(path).filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file));
      if (!existsSync(new URL(`../../${target}`, import.meta.url))) return true;
      if (anchor === undefined || !target.endsWith('.md')) return false;
      const headings = [...proseOf(target).matchAll(/^#{1,6} (.+)$/gm)].map((match) =>
        anchorOf(match[1] ?? ''),
      );
      return !headings.includes(anchor);
    });
    t.same(broken, [], path);
  }
});

t.test('the change log begins with the version of the package', async (t) => {
  const newest = /^## (\S+)/m.exec(textOf('CHANGELOG.md'))?.[1];
  t.equal(newest, packageJson.version);
});

t.test('the README lists every setting, and the container sets only what exists', async (t) => {
  const settings = [...textOf('src/config.ts').matchAll(/^ {2}([A-Z_]+): setting\(/gm)].map(
    (match) => match[1] ?? '',
  );
  t.ok(settings.includes('PORT'));
  const readme = textOf('README.md');
  t.same(
    settings.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
  const inContainer = [...textOf('docker/coppice.env').matchAll(/^#?([A-Z_]+)=/gm)].map(
    (match) => match[1] ?? '',
  );
  t.same(
    inContainer.filter((name) => !settings.includes(name)),
    [],
  );
});
