/**
 * Seconds from a file of weights to an engine that is ready, and to its first answer, on lavapipe: `node child.mjs ENGINE READER FILE DTYPE FROM`, of which
 * run.mjs builds the first two.
 */
import { openAsBlob } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { dawnOn } from '../../tools/vulkan.mjs';

const [engine, reader, file, dtype, from] = process.argv.slice(2);
const { FaceXFormer } = await import(pathToFileURL(engine));
const { streamOfFile } = await import(pathToFileURL(reader)); // as the command line reads it
globalThis.dawn = await dawnOn('lavapipe');
const adapter = await globalThis.dawn.requestAdapter();
const wanted = ['subgroups', ...(dtype === 'f16' ? ['shader-f16'] : [])]; // as the engine asks a CPU
const device = await adapter.requestDevice({ requiredFeatures: wanted.filter((name) => adapter.features.has(name)) });
const cpu = process.cpuUsage();
const start = performance.now();
const loaded = await FaceXFormer.load({ weights: from === 'blob' ? await openAsBlob(file) : streamOfFile(file), device, dtype });
const ready = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const picture = { data: new Uint8ClampedArray(64 * 64 * 4).fill(128), width: 64, height: 64 };
await loaded.analyze(picture, { box: { x0: 0, y0: 0, x1: 64, y1: 64 } });
console.log(JSON.stringify({ ready, first: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }));
process.exit(0); // Dawn leaves threads behind
