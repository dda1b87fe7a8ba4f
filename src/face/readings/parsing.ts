/** The head of the parsing map: a class a pixel, which the GPU has chosen. */
import { gpuError } from '../../gpu/errors.ts';
import { SIZE } from '../../image/resize.ts';
import { contextOf } from '../pen.ts';
import type { Colour, Segmentation } from '../results.ts';
import { type Bar, type Reading, sized } from './reading.ts';

/** Whether one of the bytes, a multiple of four, is `count`, at most 128, or more: four are looked at together, since each frame has 50,000. */
function holdsMore(bytes: Uint8Array<ArrayBuffer>, count: number): boolean {
  const four = new Uint32Array(bytes.buffer);
  const toTop = (0x80 - count) * 0x01010101; // with it the top bit of a byte is set where the byte is `count` or more, or a lower one was
  let seen = 0;
  for (let i = 0; i < four.length; i++) seen |= (four[i] as number) | ((four[i] as number) + toTop);
  return (seen & 0x80808080) !== 0;
}

/** Each class's share of the pixels, in the order of the labels. */
function sharesOf({ classes, labels, palette }: Segmentation<string>): Bar[] {
  const counts = new Uint32Array(labels.length);
  for (let i = 0; i < classes.length; i++) {
    const index = classes[i] as number;
    counts[index] = (counts[index] as number) + 1;
  }
  return labels.map((label, i) => ({ label, part: (counts[i] as number) / classes.length, colour: palette[i] as Colour }));
}

const rounded = (share: number): string => (share < 0.005 ? '<1 %' : `${Math.round(100 * share)} %`);

/** A parsing map of these classes, the background first. */
export function parsing<Label extends string>(
  classes: readonly { readonly name: Label; readonly colour: Colour }[],
): Reading<Segmentation<Label>> {
  const labels = classes.map(({ name }) => name);
  const palette = classes.map(({ colour }) => colour);
  return {
    ...parsed,
    labels,
    read(mask, { side = SIZE }) {
      const pixels = new Uint8Array(sized('mask', mask, side * side));
      if (holdsMore(pixels, classes.length)) {
        const wrong = pixels.find((index) => index >= classes.length);
        throw gpuError(`The parsing mask holds class ${wrong}; the last one is ${classes.length - 1}.`);
      }
      return { width: side, height: side, classes: pixels, labels, palette };
    },
  };
}

/** What a map says by itself, whatever its classes are. */
const parsed: Omit<Reading<Segmentation<string>>, 'read'> = {
  title: 'Parsing',
  reads: 'mask',
  line(found) {
    const seen = sharesOf(found).filter(({ part }) => part > 0);
    return seen
      .sort((a, b) => b.part - a.part)
      .map(({ label, part }) => `${label} ${rounded(part)}`)
      .join(', ');
  },
  card: (found) => ({ note: 'Share of the box that each class takes.', bars: sharesOf(found) }),
  drawn: {
    as: 'area',
    /** Class colours over the crop, nearest neighbour; background stays clear, so that the picture keeps its light there. */
    draw({ ctx, opacity, classes: wanted, classColours }, { width, height, classes, labels, palette }, box) {
      const colours = new Uint8ClampedArray(4 * labels.length);
      labels.forEach((label, index) => {
        const colour = (wanted?.includes(label) ?? index !== 0) && (classColours?.[label] ?? palette[index]);
        if (colour) colours.set([...colour, 255], 4 * index);
      });
      const pixelOf = new Uint32Array(colours.buffer);
      const own = contextOf(width, height);
      const image = own.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      for (let i = 0; i < classes.length; i++) pixels[i] = pixelOf[classes[i] as number] as number;
      own.putImageData(image, 0, 0);
      ctx.save();
      ctx.globalAlpha = opacity;
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(own.canvas, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
      ctx.restore();
    },
  },
};
