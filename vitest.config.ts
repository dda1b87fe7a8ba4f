import { defineConfig } from 'vitest/config';
import { wgslForVite } from './scripts/wgsl.mjs';

/** `unit` needs no GPU and no browser; `gpu` runs in headless Chrome or Chromium, one file after the other. */
export default defineConfig({
  test: {
    projects: [
      {
        plugins: [wgslForVite],
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.gpu.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        plugins: [wgslForVite],
        test: {
          name: 'gpu',
          environment: 'node',
          include: ['test/**/*.gpu.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
