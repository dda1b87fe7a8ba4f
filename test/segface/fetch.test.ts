/** SegFace's weights as their authors' training saved them, from a local server to a file that the engine reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { verify } from '../../cli/convert/verify.ts';
import { fetchTo } from '../../cli/fetch.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { segFaceTensors } from '../../src/segface/index.ts';
import { sha256 } from '../checkpoint/hosted-server.ts';
import { op, torchZip } from '../cli/convert/torch-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-segface-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What train.py saves: the state dict beside the epoch and an optimizer twice as large. */
async function checkpointFile(): Promise<Buffer> {
  const storages: Record<string, Uint8Array> = {};
  const tensors: [string, ReturnType<typeof op.tensor>][] = [];
  for await (const { info, data } of seededCheckpoint(segFaceTensors('mobilenet_v3_large'), 7).read()) {
    if (info.dtype !== 'F32') continue; // counts of batches, which weights may lack
    const key = String(tensors.length);
    storages[key] = data.slice();
    tensors.push([info.name, op.tensor(key, data.length / 4, info.shape as number[])]);
  }
  const moments = String(tensors.length);
  storages[moments] = new Uint8Array(4 * 2 ** 20);
  const optimizer = op.dict([['exp_avg', op.tensor(moments, 2 ** 20, [2 ** 20])]]);
  const root = op.dict([
    ['state_dict_backbone', op.dict(tensors)],
    ['optimizer', optimizer],
  ]);
  return Buffer.from(torchZip(op.pickle(root), storages));
}

it('fetch segface NAME takes the model alone, checks it, and writes MobileNet’s 7 million numbers', async () => {
  const file = await checkpointFile();
  let sent = 0;
  const server = createServer((request, response) => {
    const [, from = '0', to] = /^bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const body = file.subarray(Number(from), to ? Number(to) + 1 : file.length);
    sent += body.length;
    const range = `bytes ${from}-${Number(from) + body.length - 1}/${file.length}`;
    response.writeHead(206, { 'content-length': body.length, 'content-range': range, etag: `"${sha256(file)}"` }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model_299.pt`;
  const standard = join(folder, 'facexformer.safetensors');
  try {
    await fetchTo(standard, 'fetch').run(['segface', 'mobilenet_512', '--from', from, '--dtype', 'f16']);
    expect(said.mock.calls.flat().join('\n')).toContain('SegFace');
    expect(await verify(join(folder, 'segface_mobilenet_512.safetensors'))).toMatchObject({ form: 'segface' });
    expect(sent).toBeGreaterThan(file.length / 2);
    await expect(fetchTo(standard, 'fetch').run(['segface', 'mobilenet_224', '--from', from])).rejects.toThrow('swinb_512');
  } finally {
    said.mockRestore();
    server.closeAllConnections();
    server.close();
  }
});
