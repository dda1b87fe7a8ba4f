/** Safari: WebKit's WGSL compiler, which turns it into Metal's language. What Apple's compiler makes of that is unknown here. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, inFolder, NotSetUp } from './dawn.ts';
import type { Figures, Measured } from './measured.ts';
import { run } from './processes.ts';

/** Of the Metal text: its loops, each with the volatile counter that keeps Apple's compiler from unrolling it, and its length. */
export function readMetal(text: string): Figures {
  return { loops: text.match(/__wgslEnsureForwardProgress = 0/g)?.length ?? 0, bytes: text.length };
}

export async function measureOnSafari(wgsl: string): Promise<Measured> {
  const compiler = join(cache, 'safari/wgslc');
  if (!existsSync(compiler)) throw new NotSetUp("Safari's WGSL compiler", 'safari');
  const { code, stdout, stderr } = await inFolder((folder) => {
    const file = join(folder, 'kernel.wgsl');
    writeFileSync(file, wgsl);
    return run(compiler, ['--dump-generated-code', file]);
  });
  if (code !== 0) throw new Error(`wgslc ended with ${code}: ${`${stdout}${stderr}`.trim().slice(0, 300)}`);
  return { driver: `WebKit ${readFileSync(join(cache, 'safari/version'), 'utf8').trim()}`, figures: readMetal(stdout) };
}
