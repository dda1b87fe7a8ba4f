/** The engine in a page; outputs are posted as float32 to /post/NAME. */
import type { Box } from '../../src/index.ts';
import { runEngine } from './engine.ts';
import type { Timed } from './side.ts';

export async function engine(size: { width: number; height: number }, box: Box, frames: number): Promise<Timed> {
  const data = new Uint8Array(await (await fetch('/picture')).arrayBuffer());
  const { outputs, ...timed } = await runEngine({ weights: '/weights.safetensors', picture: { ...size, data }, box, frames });
  for (const [name, values] of outputs) await fetch(`/post/${name}`, { method: 'POST', body: values as BodyInit });
  return timed;
}
