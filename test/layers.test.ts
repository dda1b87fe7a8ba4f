/** Which room may import which, and that no file imports itself by way of others: `.dependency-cruiser.mjs` says it, this holds it. */
import { readdirSync } from 'node:fs';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import { expect, it } from 'vitest';
import { root } from '../tools/root.ts';

const ROOMS = ['src', 'tools', 'onnx', 'cli', 'bench', 'demo', 'scripts', 'test', 'vitest.config.ts'];

it('no import leads upwards, outwards or in a circle', async () => {
  const ruleSet = await extractConfig(`${root}/.dependency-cruiser.mjs`);
  const { output } = await cruise(ROOMS, { ...ruleSet.options, ruleSet, validate: true, baseDir: root });
  const { summary, modules } = output as ICruiseResult;
  expect(modules.length).toBeGreaterThan(300); // the sources were read
  const wrong = summary.violations;
  expect(wrong.map(({ rule, from, to, cycle = [] }) => [rule.name, from, ...cycle.map(({ name }) => name), to].join(' > '))).toEqual([]);
});

it('every room has its floor', async () => {
  const rules = JSON.stringify(await extractConfig(`${root}/.dependency-cruiser.mjs`));
  const rooms = readdirSync(`${root}/src`, { withFileTypes: true }).filter((one) => one.isDirectory());
  for (const { name } of rooms) expect(rules).toMatch(new RegExp(`[(|]${name}[|)]`));
});
