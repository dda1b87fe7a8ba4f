/** Every benchmark that there is, by the network's task and the data set. */
import { attributeBenchmarks } from './attributes.ts';
import type { AnyBenchmark } from './benchmark.ts';
import { biwi } from './headpose.ts';
import { vw300, w300 } from './landmarks.ts';
import { celebAMaskHq } from './parsing.ts';
import { peopleBenchmarks } from './people.ts';
import { verificationBenchmarks } from './verification.ts';
import { cofw } from './visibility.ts';

export const BENCHMARKS: readonly AnyBenchmark[] = [
  celebAMaskHq,
  w300,
  vw300,
  biwi,
  ...attributeBenchmarks,
  cofw,
  ...peopleBenchmarks,
  ...verificationBenchmarks,
];
