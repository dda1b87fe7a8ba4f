/** A benchmark run with an engine that says what a picture's colour means. */
import { Journal } from '../../../cli/bulk/journal.ts';
import { Pace } from '../../../cli/bulk/pace.ts';
import type { Analyzer, Finding } from '../../../cli/bulk/passes.ts';
import type { AnyBenchmark, Listing } from '../../../cli/evaluate/benchmark.ts';
import { BENCHMARKS } from '../../../cli/evaluate/benchmarks.ts';
import { evaluateSamples, type Line, type Outcome, outcomeOf, readLines, tableLines } from '../../../cli/evaluate/run.ts';
import type { Face } from '../../../src/face/results.ts';
import type { RawPicture } from '../../../src/image/source.ts';

type Meaning = (colour: readonly [number, number, number]) => Partial<Face>;

/** Finds no face in a picture of full red. */
const detector: Finding['detector'] = {
  detect: async (picture) => ((picture as RawPicture).data[0] === 255 ? [] : [{ box: { x0: 4, y0: 4, x1: 14, y1: 14 }, score: 1 }]),
};

/** @param shift says landmarks in the crop, as an engine does: it is the box round the labelled points, widened by half and cut at the edge */
const engineOf = (meaning: Meaning, slow = 0, shift = false): Analyzer => ({
  async *analyzeMany(pictures) {
    if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow));
    for (const { data, width, height } of pictures) {
      const face = meaning([data[0] as number, data[1] as number, data[2] as number]);
      const landmarks = shift && face.landmarks?.map(({ x, y }) => ({ x: x - LEFT, y: y - TOP }));
      yield { faces: [{ box: { x0: 0, y0: 0, x1: width, y1: height }, ...face, ...(landmarks && { landmarks }) }] };
    }
  },
});

/** Where the crop of the test's shape begins: points from 5 to 15 and from 4 to 10, a box of 11 by 7, whose quarter is 2.75 and 1.75. */
const LEFT = 2;
const TOP = 2;

export async function evaluated(
  benchmark: AnyBenchmark,
  folder: string,
  meaning: Meaning,
  { limit = Number.POSITIVE_INFINITY, shift = false } = {},
): Promise<Outcome & { listing: Listing<unknown> }> {
  const listing = benchmark.read(folder, limit);
  const lines: Line[] = [];
  const log = { at: { steps: 0, parts: 0 }, append: (some: readonly string[]) => void lines.push(...some.map((line) => JSON.parse(line))) };
  await evaluateSamples(benchmark, listing, log, new Pace('pictures', listing.samples.length), {
    engine: engineOf(meaning, 0, shift),
    detector,
  });
  return { ...outcomeOf(benchmark, lines, folder, limit), listing };
}

/** Ages of UTKFace into a journal that can be gone on with; the table on standard output. */
export async function evaluateAge(folder: string, out: string, slow: number): Promise<void> {
  const benchmark = BENCHMARKS.find(({ task, set }) => task === 'age' && set === 'UTKFace') as AnyBenchmark;
  const listing = benchmark.read(folder, Number.POSITIVE_INFINITY);
  const journal = Journal.open(out, { set: 'UTKFace' }, { resume: true });
  const age = ([red, green]: readonly number[]) => ({
    age: { label: '20-29', years: (red as number) + (green as number) / 9, probability: 1, probabilities: {} } as never,
  });
  if (journal) await evaluateSamples(benchmark, listing, journal, new Pace('pictures', 30), { engine: engineOf(age, slow), detector });
  console.log(tableLines(outcomeOf(benchmark, readLines(out, listing.samples), folder, Number.POSITIVE_INFINITY).rows).join('\n'));
  journal?.finish();
}
