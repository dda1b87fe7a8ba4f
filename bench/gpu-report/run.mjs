/**
 * What real GPUs' compilers make of every pipeline, without a GPU (docs/gpu-report.md says how to read it):
 *   npm run gpu-report -- [--gpu navi31,navi21,navi31-wgpu,ga102,tgl,adreno740,mali-g610,safari] [--form released|paper]
 *     [--dtype f32|f16] [--only TEXT] [--json FILE] [--write | --check | --candidates]
 * All of them, both forms and both element types unless told otherwise; --check takes navi31 alone; --only takes pipelines whose name
 * contains the text.
 * --write renews the record and its document; --candidates takes what the tuner may choose, instead of what runs. Exit code 1 when a
 * pipeline gives no figures and, with --check, when one is beyond a bound, worse than the record or not on it.
 * Once before: bash bench/gpu-report/setup.sh [amd] [wgpu] [safari] [intel] [nvidia] [phones]
 */
import { load } from '../load.mjs';

const { report } = await load('bench/gpu-report/report.ts');
try {
  const wrong = await report(process.argv.slice(2));
  for (const line of wrong) console.log(`FAIL ${line}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
