/** What real GPUs' compilers make of every pipeline, without a GPU; docs/gpu-report.md says how to read it. */
import { load } from '../../tools/load.mjs';

const USAGE = `npm run gpu-report -- [--gpu navi31,navi21,navi31-wgpu,ga102,tgl,adreno740,mali-g610,windows,
    windows-intel,safari] [--form released|paper]
    [--dtype f32|f16] [--encoder NAME] [--only TEXT] [--json FILE] [--write | --check | --candidates]

  --only         pipelines whose name contains the text
  --write        renews the record and its document
  --check        compares with the record and the bounds; navi31 alone unless --gpu says otherwise
  --candidates   what the tuner may choose, instead of what runs
All GPUs, both forms and both element types unless told otherwise. Exit code 1 when a pipeline gives no figures and, with --check, when
one is beyond a bound, worse than the record or not on it.
Once before: bash bench/gpu-report/setup.sh [amd] [wgpu] [safari] [intel] [nvidia] [phones] [windows]`;

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) console.log(USAGE);
else {
  const { report } = await load('bench/gpu-report/report.ts');
  try {
    const wrong = await report(args);
    for (const line of wrong) console.log(`FAIL ${line}`);
    process.exitCode = wrong.length > 0 ? 1 : 0;
  } catch (error) {
    console.error(error.message);
    process.exitCode = error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
  }
}
