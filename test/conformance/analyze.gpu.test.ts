/** `analyze` in Chromium: what it gives is PyTorch's, and what it cannot analyse it names. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whereOptions } from '../browser.ts';
import { portrait } from '../fixtures.ts';
import { facexformer, file, holdToPyTorch } from './analyze.ts';

holdToPyTorch('astronaut-face', '--taps');
holdToPyTorch('astronaut-wide');
holdToPyTorch('astronaut-face-paper', '--form', 'paper', '--taps');

describe('what cannot be analysed ends with 1 and its code', () => {
  const small = ['--weights', 'seeded', '--encoder', 'mobilenet_v3_large', '--tasks', 'age'];

  it('a file that is no picture', async () => {
    writeFileSync(file('picture.png'), 'no picture');
    const { code, err } = await facexformer('analyze', file('picture.png'), ...small, ...whereOptions);
    expect(err).toMatch(/^BAD_PICTURE: .*picture\.png: ./);
    expect(code).toBe(1);
  });

  it('a file of several that is no picture: it is named, and the others go on', async () => {
    const [bad, json] = [file('picture.png'), file('several.json')];
    writeFileSync(bad, 'no picture');
    const options = [...small, '--json', json, ...whereOptions];
    const { code, out, err } = await facexformer('analyze', portrait, bad, portrait, ...options);
    expect(err).toMatch(/^BAD_PICTURE: .*picture\.png: .+\n1 of 3 pictures could not be analysed\.\n$/);
    expect(out).toContain(`\n  json        ${json}\n`);
    expect(JSON.parse(readFileSync(json, 'utf8')).pictures.map(({ picture }: { picture: string }) => picture)).toEqual([
      portrait,
      portrait,
    ]);
    expect(code).toBe(1);
  });

  it('a task that does not exist', async () => {
    const { code, err } = await facexformer('analyze', portrait, '--tasks', 'beauty', '--weights', 'seeded', ...whereOptions);
    expect(err).toMatch(/^UNKNOWN_TASK: /);
    expect(code).toBe(1);
  });

  it('weights that are none', async () => {
    writeFileSync(file('weights.safetensors'), '<!doctype html><title>Not found</title>');
    const { code, err } = await facexformer('analyze', portrait, '--weights', file('weights.safetensors'), ...whereOptions);
    expect(err).toMatch(/^BAD_WEIGHTS_FILE: /);
    expect(code).toBe(1);
  });
});
