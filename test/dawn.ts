/**
 * Dawn in Node on a software Vulkan driver, for `.dawn.test.ts` files. A process has one driver, which it chooses when Dawn starts: a file
 * is a process of its own.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dawnOn, driverFile } from '../tools/vulkan.mjs';

/** Gone when nobody holds it, and its devices with it. */
let dawn: GPU | undefined;

export interface Opened {
  readonly device: GPUDevice;
  /** Why there is none, behind a test's name; empty where there is one. */
  readonly lacking: string;
}

/**
 * A device with these features and default limits. Where the driver is missing or lacks a feature there is none, and the tests are to be
 * skipped; but not in CI, which installs what the tests need.
 */
export async function openDawn(driver: 'lavapipe' | 'swiftshader', features: GPUFeatureName[] = []): Promise<Opened> {
  const none = (reason: string): Opened => {
    if (process.env['CI'] === 'true') throw new Error(`${reason}, and CI has to have it`);
    return { device: undefined as unknown as GPUDevice, lacking: ` (skipped: ${reason})` };
  };
  if (!driverFile(driver)) return none(`the Vulkan driver ${driver} is not installed`);
  // lavapipe compiles a kernel in seconds, and keeps what it compiled.
  process.env['MESA_SHADER_CACHE_DIR'] ??= fileURLToPath(new URL('../.cache/mesa', import.meta.url));
  mkdirSync(process.env['MESA_SHADER_CACHE_DIR'], { recursive: true });
  dawn ??= await dawnOn(driver);
  const adapter = await dawn.requestAdapter();
  if (!adapter) return none(`Dawn gives no adapter on ${driver}`);
  const missing = features.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0) return none(`${driver} lacks ${missing.join(' and ')}`);
  return { device: await adapter.requestDevice({ requiredFeatures: features }), lacking: '' };
}
