/** Runs the kernels' cases (test/kernels/*.cases.ts) in Node on Dawn, for quick development; `npm run test:gpu` runs the same in a browser. */
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { parse, refuse } from '../tools/usage.mjs';
import { dawnOn, driverFile, driverNames } from '../tools/vulkan.mjs';
import { wgslForEsbuild } from '../tools/wgsl.mjs';

const USAGE = `node scripts/kernels.mjs [FILTER] [--icd ${driverNames.join('|')}]

  FILTER   a part of file/case (default: all)
  --icd    the Vulkan driver (default: the first of these that is installed)
Exit code 1 when a case fails or none matches.`;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parse(USAGE, { icd: { type: 'string' } });
if (positionals.length > 1) refuse(`One filter at most; "${positionals[1]}" is another.`);
if (values.icd !== undefined && !driverNames.includes(values.icd))
  refuse(`--icd is ${values.icd}; it must be ${driverNames.join(' or ')}.`);
const filter = positionals[0] ?? '';
const icd = values.icd ?? driverNames.find(driverFile) ?? 'lavapipe';

/** Each cases file is bundled alone, so that one that does not compile hides no other. */
async function loadCases(name) {
  const outfile = `${root}.cache/kernels/${name}.mjs`;
  const contents = `export { cases } from './test/kernels/${name}.cases.ts'; export { judge, lacking } from './test/kernels/judge.ts';`;
  const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', sourcemap: 'inline' };
  await build({
    ...common,
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    plugins: [wgslForEsbuild],
    loader: { '.json': 'json' },
  });
  return import(`${pathToFileURL(outfile)}?${Date.now()}`);
}

function print(file, verdict) {
  const numbers = verdict.bound === 'exact' ? 'exact' : `nmse ${verdict.nmse.toExponential(2)}  max ${verdict.maxAbs.toExponential(2)}`;
  console.log(
    `${verdict.faults.length === 0 ? 'ok  ' : 'FAIL'} ${file}/${verdict.name}  ${numbers}  ${verdict.milliseconds.toFixed(0)} ms`,
  );
  for (const fault of verdict.faults) console.log(`     ${fault.replaceAll('\n', '\n     ')}`);
}

async function main() {
  mkdirSync(`${root}.cache/kernels`, { recursive: true });
  const gpu = await dawnOn(icd);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error(`no adapter on ${icd}`);
  const device = await adapter.requestDevice({
    requiredFeatures: ['subgroups', 'shader-f16'].filter((feature) => adapter.features.has(feature)),
  });
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  device.addEventListener('uncapturederror', ({ error }) => {
    failed++;
    console.log(`FAIL uncaptured: ${error.message}`);
  });
  console.log(`${adapter.info.device || adapter.info.description} (${icd})`);
  const files = readdirSync(`${root}test/kernels`)
    .filter((file) => file.endsWith('.cases.ts'))
    .map((file) => file.slice(0, -'.cases.ts'.length));
  for (const file of files) {
    if (filter.includes('/') && !filter.startsWith(file) && !file.includes(filter.split('/')[0])) continue;
    let loaded;
    try {
      loaded = await loadCases(file);
    } catch (error) {
      if (!filter || file.includes(filter)) {
        failed++;
        console.log(`FAIL ${file}: ${error.message}`);
      }
      continue;
    }
    for (const kernelCase of loaded.cases.filter(({ name }) => `${file}/${name}`.includes(filter))) {
      const reason = loaded.lacking(kernelCase, adapter);
      if (reason) {
        skipped++;
        console.log(`skip ${file}/${kernelCase.name}  ${reason}`);
        continue;
      }
      const verdict = await loaded.judge(device, kernelCase);
      verdict.faults.length === 0 ? passed++ : failed++;
      print(file, verdict);
    }
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(error);
  return 1;
});
process.exit(); // Dawn's threads would keep Node alive
