/** The ready-made module worker: a page's `RemoteFaceXFormer`, `RemoteSegFace` or `RemoteMtcnn` asks, what it stands for answers here. */
import { Mtcnn } from '../detect/mtcnn.ts';
import { Engine } from '../engine/engine.ts';
import { FaceXFormer } from '../engine/facexformer.ts';
import { loadLasting } from '../engine/recovery.ts';
import { segFaceConfig } from '../segface/config.ts';
import { Engines } from './engines.ts';
import { isGreeting, serve } from './serve.ts';

const engines = new Engines(async (asked) => {
  if (asked.network === 'Mtcnn') {
    const { network: _, onProgress: __, ...options } = asked;
    return Mtcnn.load(options);
  }
  const { network, ...options } = asked;
  return network === 'SegFace' ? new Engine(await loadLasting(options, segFaceConfig)) : FaceXFormer.load(options);
});

globalThis.addEventListener('message', ({ data }) => {
  if (isGreeting(data)) serve(data, engines);
});
