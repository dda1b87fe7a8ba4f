/** `tune`: which kernels are the fastest on this machine's GPU, as a table. */

import { DEFAULT_SEED } from '../src/checkpoint/seeded.ts';
import type { TuneReport } from '../src/engine/options.ts';
import { FORMS } from '../src/face/forms.ts';
import { adapterLine, launchBrowser, WHERE_LINE, WHERE_OPTIONS, whereOf } from '../tools/browser/launch.ts';
import { openPage } from '../tools/browser/page.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { say } from '../tools/terminal/progress.ts';
import { checkOutput, writeJson, writtenLine } from '../tools/terminal/write.ts';
import type { TuneRequest } from './tune.page.ts';

const OPTIONS = {
  form: { type: 'string' },
  dtype: { type: 'string' },
  plan: { type: 'string' },
  budget: { type: 'string' },
  json: { type: 'string' },
  ...WHERE_OPTIONS,
} as const;

export const tune: Command = {
  name: 'tune',
  summary: "measure which kernels are the fastest on this machine's GPU",
  usage: `tune [options]

  --form released|paper     default: released; the weights are seeded, which takes as long as trained ones
  --dtype auto|f32|f16      in what the engine computes (default: auto)
  --plan auto|fused         with which kernels: what suits the adapter, or a desktop GPU's on a CPU too (default: auto)
  --budget MS               milliseconds after which no measurement is begun (default: 20000)
  --json FILE               the report
  ${WHERE_LINE}`,
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`tune takes only options; "${positionals[0]}" is not one.`);
    const budget = Number(values.budget ?? 20_000);
    if (!(budget > 0 && budget < Number.POSITIVE_INFINITY))
      throw new UsageError(`--budget is ${values.budget}; it must be milliseconds above 0.`);
    const request: TuneRequest = {
      form: parseChoice('--form', values.form ?? 'released', FORMS),
      seed: DEFAULT_SEED,
      dtype: parseChoice('--dtype', values.dtype ?? 'auto', ['auto', 'f32', 'f16'] as const),
      plan: parseChoice('--plan', values.plan ?? 'auto', ['auto', 'fused'] as const),
      budget,
    };
    if (values.json !== undefined) checkOutput(values.json, '--json');
    const { browser, adapter } = await launchBrowser(whereOf(values), say);
    try {
      console.log(`Runs on: ${adapterLine(adapter)}, ${await browser.version()}`);
      const page = await openPage(browser, `export * from './cli/tune.page.ts';`);
      const report = await page.call<TuneReport>('tune', request);
      console.log(['', ...tuneLines(report)].join('\n'));
      if (values.json !== undefined) {
        writeJson(values.json, report);
        console.log(writtenLine('json', values.json));
      }
    } finally {
      await browser.close();
    }
  },
};

/** A line a shape: nodes, shape, the table's milliseconds, the chosen kernel and its gain. */
function tuneLines({ shapes, spent, adopted, dtype }: TuneReport): string[] {
  if (shapes.length === 0) return ['This plan has nothing to choose.'];
  const lines = shapes.map(({ nodes, shape, tried, chosen, speedup, measured, note }) => {
    const before = tried[0] ? `${tried[0].milliseconds.toFixed(3)} ms` : '-';
    const gain = measured === 'none' ? 'not measured' : `${speedup.toFixed(2)}x  ${chosen}`;
    const about = note && measured !== 'none' ? `  (${note})` : '';
    return `${String(nodes.length).padStart(3)}  ${shape.padEnd(40)}  ${before.padStart(11)}  ${gain}${about}`;
  });
  return [...lines, '', `${adopted} of ${shapes.length} shapes faster than the table, in ${dtype}; ${(spent / 1000).toFixed(1)} s`];
}
