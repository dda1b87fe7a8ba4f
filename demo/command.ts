/** `demo`: serves the page in demo/ to the browsers of this machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type Route, servePage } from '../tools/browser/serve.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import { root } from '../tools/root.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parsePort, UsageError } from '../tools/terminal/options.ts';
import { chooseWeights, TRAINED } from '../tools/terminal/weights.ts';
import { wgslForEsbuild } from '../tools/wgsl.mjs';

const PORT = 8080;

export const demo: Command = {
  name: 'demo',
  summary: 'serve the demo page: drop a picture, see the faces',
  usage: `demo [--weights FILE] [--port N]

  --weights FILE   a safetensors file of either network (default: weights/facexformer.safetensors, else seeded)
  --port N         default: ${PORT}, or a free one where it is taken`,
  async run(args) {
    const { values, positionals } = parse(args, { weights: { type: 'string' }, port: { type: 'string' } });
    if (positionals.length > 0) throw new UsageError(`demo takes only options; "${positionals[0]}" is not one.`);
    const asked = values.port === undefined ? undefined : parsePort(values.port);
    const weights = values.weights === undefined ? undefined : chooseWeights(values.weights);
    if (weights && !('file' in weights))
      throw new UsageError('--weights is a file here; the page takes seeded ones at ?weights=seeded&seed=N.');
    await servePage(await demoRoutes(weights?.file), (url) => `The demo is at ${url}`, { asked, usual: PORT });
  },
};

/**
 * The demo's page, its bundled script, the portrait, and the weights where they are.
 * @param plugins of the bundler: a test's, which bring another engine
 */
export async function demoRoutes(weights = TRAINED, plugins: readonly Plugin[] = []): Promise<Record<string, Route>> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'demo', 'main.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [...plugins, wgslForEsbuild],
  });
  return {
    '/': { file: join(root, 'demo', 'index.html') },
    '/main.js': { body: outputFiles[0]?.text ?? '', type: 'text/javascript' },
    '/style.css': { file: join(root, 'tools', 'page', 'style.css') },
    '/astronaut.png': { file: join(root, 'test', 'fixtures', 'astronaut.png') },
    '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' },
    '/weights.json': { body: JSON.stringify({ trained: existsSync(weights) }), type: 'application/json' },
    ...(existsSync(weights) && { '/weights/facexformer.safetensors': { file: weights } }),
  };
}
