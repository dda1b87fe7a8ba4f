import { defineConfig } from 'vitest/config';
import { hasFirefox } from './tools/browser/firefox.ts';
import { wgslForVite } from './tools/wgsl.mjs';

/**
 * Seven projects, run in this order; `npm test` leaves out `dawn` and `firefox`, which compile for long, `pages`, which waits for whole runs, and
 * `consumer`, which installs other bundlers and compilers; `npm run test:all` and CI do not:
 * - `unit` needs no GPU and no browser, and takes two minutes;
 * - `long` needs neither either, but takes longer: whole checkpoints, exports, memory;
 * - `dawn` runs the network in Node, on Dawn and software Vulkan drivers: a file is a process, for a process has one driver;
 * - `gpu` runs in headless Chrome or Chromium, two files at a time;
 * - `pages` drives the benchmark's and the demo's page there as a person would;
 * - `firefox` runs some of `gpu` in Firefox, whose WebGPU is another: every kernel, in float16 too, a whole network, every kind of picture.
 *   Only where there is a Firefox that has WebGPU; but in CI there has to be one.
 * - `consumer` builds, checks and runs apps that install the package's tarball, with bundlers, compilers and test runners of other versions.
 */
const firefox = process.env['CI'] === 'true' || hasFirefox();
const inFirefox = ['kernels/kernels.gpu', 'kernels/float16.firefox', 'conformance/fused.pages', 'image/source.gpu'];

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [wgslForVite],
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{gpu,pages,firefox,dawn,long,consumer}.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'long',
          environment: 'node',
          include: ['test/**/*.long.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'dawn',
          environment: 'node',
          include: ['test/**/*.dawn.test.ts'],
          pool: 'forks',
          isolate: true,
          maxWorkers: 2, // a file compiles on one core
          testTimeout: 900_000, // nearly all of it compiles, once
          hookTimeout: 900_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'gpu',
          environment: 'node',
          include: ['test/**/*.gpu.test.ts'],
          maxWorkers: 2, // a software adapter compiles on one core
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'pages',
          environment: 'node',
          include: ['test/**/*.pages.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'firefox',
          environment: 'node',
          include: firefox ? inFirefox.map((name) => `test/${name}.test.ts`) : [],
          env: { TEST_BROWSER: 'firefox' },
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'consumer',
          environment: 'node',
          include: ['test/**/*.consumer.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 6 },
        },
      },
    ],
  },
});
