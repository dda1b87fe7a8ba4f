/** `detect`: the faces in pictures, as MTCNN finds them, in a browser. */
import { resolve } from 'node:path';
import { adapterLine, launchBrowser, WHERE_LINE, WHERE_OPTIONS, whereOf } from '../tools/browser/launch.ts';
import { openPage } from '../tools/browser/page.ts';
import type { Route } from '../tools/browser/serve.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import type { Command } from '../tools/terminal/command.ts';
import { parse } from '../tools/terminal/options.ts';
import { say } from '../tools/terminal/progress.ts';
import { checkSearch, LEFT_OUT_LINE, SEARCH_LINES, SEARCH_OPTIONS, type Searched, searchAll, searchOf } from './search.ts';

export const detect: Command = {
  name: 'detect',
  summary: 'find the faces in pictures',
  usage: `detect PICTURE... [options]

${SEARCH_LINES}
  ${WHERE_LINE}
${LEFT_OUT_LINE}`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, { ...SEARCH_OPTIONS, ...WHERE_OPTIONS });
    const search = searchOf(values);
    const where = whereOf(values);
    checkSearch(pictures, values.json);
    const { browser, adapter } = await launchBrowser(where, say);
    try {
      console.log(`Runs on: ${adapterLine(adapter)}, ${await browser.version()}`);
      const page = await openPage(browser, `export * from './cli/detect.page.ts';`, routesOf(pictures));
      await page.call('load', search);
      await searchAll(pictures, values.json, (_, i) => page.call<Searched>('detect', `/pictures/${i}`));
      await page.close();
    } finally {
      await browser.close();
    }
  },
};

function routesOf(pictures: readonly string[]): Record<string, Route> {
  const files = pictures.map((picture, i): [string, Route] => [`/pictures/${i}`, { file: resolve(picture) }]);
  return { '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' }, ...Object.fromEntries(files) };
}
