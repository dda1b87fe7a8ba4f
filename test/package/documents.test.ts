/** What the documents say: every snippet compiles, every link leads somewhere. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../../tools/root.ts';

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...['docs', 'bench', 'onnx', 'src', 'weights'].flatMap((room) =>
    (readdirSync(join(root, room), { recursive: true }) as string[])
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${room}/${name}`),
  ),
];
const textOf = (name: string) => readFileSync(join(root, name), 'utf8');

/** What snippets take as given: the reader's own. */
const GIVEN = `
declare const image: HTMLImageElement;
declare const canvas: HTMLCanvasElement;
declare const bar: HTMLProgressElement;
declare const face: import('facexformer-webgpu').Face;
declare const other: import('facexformer-webgpu').Face;
declare module 'react' {
  export function useEffect(effect: () => void | (() => void), of: readonly unknown[]): void;
  export function useState<T>(first: T): [T, (next: T) => void];
}
`;

it('every snippet that stands alone compiles', async () => {
  const folder = join(root, '.cache', 'snippets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = ['given.d.ts'];
  for (const name of DOCUMENTS)
    for (const [i, [, language, code]] of [...textOf(name).matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)].entries()) {
      if (!/^import /m.test(code ?? '')) continue; // a piece of the one before it
      const file = `${name.replaceAll(/\W/g, '-')}-${i}.${language}`;
      writeFileSync(join(folder, file), `${code}\nexport {};\n`);
      files.push(file);
    }
  writeFileSync(join(folder, 'given.d.ts'), GIVEN);
  expect(files.length).toBeGreaterThan(9);
  const source = (path: string) => [join(root, 'src', path)];
  const paths = {
    'facexformer-webgpu': source('index.ts'),
    'facexformer-webgpu/client': source('worker/client.ts'),
    'facexformer-webgpu/detect': source('detect/index.ts'),
    'facexformer-webgpu/draw': source('draw.ts'),
    'facexformer-webgpu/video': source('video/index.ts'),
    'facexformer-webgpu/faces': source('faces.ts'),
    'facexformer-webgpu/segface': source('segface/index.ts'),
  };
  const compilerOptions = { paths, jsx: 'preserve', noUncheckedIndexedAccess: true, types: ['@webgpu/types'] };
  const all = [...files, join(root, 'src', 'wgsl.d.ts')];
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files: all }),
  );
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: { stdout: string }) => error);
  expect(said.stdout).toBe('');
});

it('whoever installs the package has the documents that the README sends apps to', () => {
  const [, table = ''] = /^\| what apps want next \| where \|\n([\s\S]*?)\n\n/m.exec(textOf('README.md')) ?? [];
  const targets = [...table.matchAll(/\]\(([^)#]+)/g)].map(([, target]) => target as string);
  expect(targets.length).toBeGreaterThan(9);
  const { files } = JSON.parse(textOf('package.json')) as { files: string[] };
  for (const target of targets)
    expect(
      [target, `${dirname(target)}/*.md`].some((one) => files.includes(one)),
      target,
    ).toBe(true);
});

it('the reference is of every entry of the package', () => {
  const { exports } = JSON.parse(textOf('package.json')) as { exports: Record<string, { types?: string }> };
  const files = Object.entries(exports).flatMap(([entry, { types }]) =>
    types && !/worker|standalone/.test(entry) ? [types.slice(2)] : [],
  );
  expect(JSON.parse(textOf('typedoc.json')).entryPoints.toSorted()).toEqual(files.toSorted());
});

it.each(DOCUMENTS)('the links of %s lead to files and headings that are there', (name) => {
  const anchorOf = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(/\s/g, '-');
  for (const [, target] of textOf(name).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target ?? '')) continue;
    const [path, anchor] = (target as string).split('#') as [string, string?];
    const file = path === '' ? name : join(dirname(name), path);
    expect(existsSync(join(root, file)), target).toBe(true);
    if (anchor)
      expect(
        [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading as string)),
        target,
      ).toContain(anchor);
  }
});
