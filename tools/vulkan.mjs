/** Dawn in Node on a software Vulkan driver: Mesa's lavapipe or the SwiftShader that Chromium brings. */
import { existsSync } from 'node:fs';

const DRIVERS = {
  lavapipe: [
    '/usr/share/vulkan/icd.d/lvp_icd.json',
    '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
    '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
  ],
  swiftshader: [
    '/usr/lib/chromium/vk_swiftshader_icd.json',
    '/opt/google/chrome/vk_swiftshader_icd.json',
    '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  ],
};

export const driverNames = Object.keys(DRIVERS);

/** Path of the driver's description, or undefined where it is not installed. */
export const driverFile = (name) => DRIVERS[name]?.find(existsSync);

/** `navigator.gpu` of Dawn on that driver; also defines the WebGPU globals. `toggles` are Dawn's. */
export async function dawnOn(name, toggles = []) {
  const file = driverFile(name);
  if (!file)
    throw new Error(
      `The Vulkan driver ${name} is not installed (${name === 'lavapipe' ? 'Debian: mesa-vulkan-drivers' : 'it comes with Chromium'}).`,
    );
  process.env.VK_ICD_FILENAMES = file; // read by the Vulkan loader when Dawn first starts, hence before the import
  process.env.VK_DRIVER_FILES = file;
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  // While anything is awaited, Dawn asks for events at every turn of Node's loop, and takes a whole core from a driver that runs on the CPU.
  globalThis.setImmediate = (call, ...args) => setTimeout(call, 1, ...args);
  return create(['backend=vulkan', ...toggles]);
}
