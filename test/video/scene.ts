/** Generated videos of 30 frames a second: faces that walk, what a detector sees of them, and its noise. */
import type { Box } from '../../src/image/crop.ts';

export const PICTURE = { width: 1280, height: 720 };
export const FRAME = 1000 / 30;

/** Uniform numbers from 0 to 1 out of a seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normal numbers of deviation 1. */
export function normal(uniform: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** A person: where their face's centre is at a time in seconds, and how large it is; undefined where they are not there or are hidden. */
export interface Person {
  readonly name: string;
  at(seconds: number): { readonly x: number; readonly y: number; readonly size: number } | undefined;
}

export const boxAt = ({ x, y, size }: { x: number; y: number; size: number }): Box => ({
  x0: x - 0.44 * size,
  y0: y - 0.56 * size,
  x1: x + 0.44 * size,
  y1: y + 0.56 * size,
});

export interface Seen {
  readonly name: string;
  readonly box: Box;
  /** Whether another's centre is in the same place, so that nobody could tell which of them it is. */
  readonly merged: boolean;
}

/**
 * What a detector gives of every frame, in no order: boxes off by 2 % of their size, none of a face that another, larger one hides.
 * @param missed the part of faces that it does not see
 */
export function* scene(people: readonly Person[], seconds: number, seed: number, missed = 0): Generator<{ time: number; seen: Seen[] }> {
  const uniform = random(seed);
  const noise = normal(uniform);
  for (let frame = 0; frame <= seconds * 30; frame++) {
    const there = people.flatMap((person) => {
      const at = person.at(frame / 30);
      return at ? [{ name: person.name, ...at }] : [];
    });
    const visible = there.filter(
      (one) =>
        one.x > 0.1 * one.size &&
        one.x < PICTURE.width - 0.1 * one.size &&
        !there.some((other) => other.size > one.size && Math.hypot(other.x - one.x, other.y - one.y) < 0.45 * one.size),
    );
    const seen = visible
      .filter(() => uniform() >= missed)
      .map(({ name, size, ...at }) => {
        const jitter = () => 0.02 * size * noise();
        const merged = there.some((other) => other.name !== name && Math.hypot(other.x - at.x, other.y - at.y) < 0.15 * size);
        return { name, merged, box: boxAt({ x: at.x + jitter(), y: at.y + jitter(), size: size * (1 + 0.02 * noise()) }) };
      });
    yield { time: frame * FRAME, seen: seen.sort(() => uniform() - 0.5) };
  }
}
