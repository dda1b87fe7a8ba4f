/** JPEG files in Node against what Pillow reads of them: fixtures-scripts/pillow-jpeg.py wrote pillow-jpeg.json. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeJpeg } from '../../cli/jpeg/decode.ts';

const files = (
  JSON.parse(readFileSync(new URL('pillow-jpeg.json', import.meta.url), 'utf8')) as { name: string; file: string; sha256: string }[]
).map(({ name, file, sha256 }) => ({ name, file: Buffer.from(file, 'base64'), sha256 }));
const named = (start: string): Buffer => files.find(({ name }) => name.startsWith(start))?.file as Buffer;

const rgbOf = (file: Buffer) => decodeJpeg(file).data.filter((_, i) => i % 4 !== 3);
const hashOf = (rgb: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(Uint8Array.from(rgb)).digest('hex');

it.each(files)('$name: the bytes are those of Pillow', ({ file, sha256 }) => {
  expect(hashOf(rgbOf(file))).toBe(sha256);
});

describe('a file that names its colours', () => {
  const jfif = named('ycc 11,11,11');
  const plain = Buffer.concat([jfif.subarray(0, 2), jfif.subarray(20)]); // without JFIF's segment, which knows but one kind
  const adobe = (file: Buffer, transform: number) => {
    const segment = Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform]);
    return Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
  };

  it("has luma and chroma where it does not, where JFIF or Adobe's segment says so, and red, green and blue where Adobe's does alone", () => {
    for (const file of [plain, adobe(plain, 1), adobe(jfif, 0)]) expect(rgbOf(file)).toEqual(rgbOf(jfif));
    const [luma, cb, cr] = rgbOf(adobe(plain, 0)) as unknown as [number, number, number];
    const [red] = rgbOf(jfif) as unknown as [number];
    expect(Math.abs(red - Math.min(Math.max(luma + 1.402 * (cr - 128), 0), 255))).toBeLessThanOrEqual(1);
    expect(cb).not.toBe(rgbOf(jfif)[1]);
  });
});

it('components that are called R, G and B are those colours, where nothing else says so', () => {
  const said = named('rgb 11,11,11 baseline');
  const adobe = said.indexOf(Buffer.from([0xff, 0xee]));
  expect(adobe).toBeGreaterThan(0);
  const unsaid = Buffer.concat([said.subarray(0, adobe), said.subarray(adobe + 16)]);
  expect(rgbOf(unsaid)).toEqual(rgbOf(said));
});

describe('a file that is not whole', () => {
  const baseline = named('ycc 22,11,11 baseline');
  const progressive = named('ycc 22,11,11 progressive');
  const apart = named('ycc 22,11,11 apart');

  it('is refused wherever it is cut, but for its mark of the end where it has one scan', () => {
    for (let length = 2; length < progressive.length; length++)
      expect(() => decodeJpeg(progressive.subarray(0, length)), `${length} bytes`).toThrow(/^it is cut short/);
    for (let length = 2; length < baseline.length - 3; length++)
      expect(() => decodeJpeg(baseline.subarray(0, length)), `${length} bytes`).toThrow(/^it is cut short/);
    expect(decodeJpeg(baseline.subarray(0, -2))).toEqual(decodeJpeg(baseline));
  });

  it('is read or refused in time, whatever is wrong with it', () => {
    let state = 1;
    const below = (bound: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * bound);
    };
    const start = performance.now();
    for (let i = 0; i < 2000; i++) {
      const file = Buffer.from(files[below(files.length)]?.file as Buffer);
      for (let k = below(4); k >= 0; k--) file[below(file.length)] = below(3) === 0 ? 0xff : below(256);
      try {
        const { data, width, height } = decodeJpeg(file);
        expect(data.length).toBe(4 * width * height);
      } catch (error) {
        expect((error as Error).message).toMatch(/^(it|its|a) /);
      }
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  const frame = baseline.indexOf(Buffer.from([0xff, 0xc0]));
  const after = frame + 2 + baseline.readUInt16BE(frame + 2);
  const scan = baseline.indexOf(Buffer.from([0xff, 0xda]));
  const wrongScan = Buffer.from(progressive);
  wrongScan[progressive.indexOf(Buffer.from([0xff, 0xda])) + 11] = 5; // the first coefficient, behind three colours; the last is 0
  const changed = (change: (file: Buffer) => void) => {
    const file = Buffer.from(baseline);
    change(file);
    return file;
  };
  it.each<[string, Buffer, RegExp]>([
    [
      'more pixels than are read',
      changed((file) => file.fill(0xff, frame + 5, frame + 9)),
      /65535 x 65535 pixels are more than 400 million/,
    ],
    ['no pixels', changed((file) => file.fill(0, frame + 5, frame + 7)), /35 x 0 pixels/],
    ['12 bits', changed((file) => file.fill(12, frame + 4, frame + 5)), /12 bits a sample/],
    ['arithmetic codes', changed((file) => file.fill(0xc9, frame + 1, frame + 2)), /arithmetic codes; save it as baseline/],
    ['two colours', changed((file) => file.fill(2, frame + 9, frame + 10)), /2 colours/],
    [
      'colours of one and a half pixels',
      changed((file) => file.fill(0x32, frame + 11, frame + 12).fill(0x22, frame + 14, frame + 15)),
      /whole number/,
    ],
    ['factors beyond those that there are', changed((file) => file.fill(0x51, frame + 11, frame + 12)), /sampling factors beyond 1 to 4/],
    ['a table of quantisation that is not there', changed((file) => file.fill(3, frame + 12, frame + 13)), /lacks a table of quantisation/],
    ['a colour that is in no scan', changed((file) => file.fill(9, frame + 10, frame + 11)), /a colour that the picture does not have/],
    ['no length of a segment', changed((file) => file.fill(0, frame + 2, frame + 4)), /a segment has no length/],
    ['two sizes', Buffer.concat([baseline.subarray(0, after), baseline.subarray(frame)]), /two sizes/],
    ['no size', Buffer.concat([baseline.subarray(0, frame), baseline.subarray(after)]), /data come before its size/],
    ['codes that are not there', changed((file) => file.fill(0x33, scan + 6, scan + 7)), /lacks a table of codes/],
    ['a colour twice in a scan', changed((file) => file.copy(file, scan + 7, scan + 5, scan + 6)), /no colours, or one twice/],
    ['coefficients out of order', wrongScan, /coefficients that there are not/],
    ['a scan too many', Buffer.concat([apart.subarray(0, -2), ...scansOf(apart, 500)]), /more than 500 scans/],
  ])('of %s is refused', (_, file, message) => {
    expect(() => decodeJpeg(file)).toThrow(message);
  });
});

/** The last scan of a file, so many times. */
function scansOf(file: Buffer, count: number): Buffer[] {
  return Array(count).fill(file.subarray(file.lastIndexOf(Buffer.from([0xff, 0xda])), -2));
}
