/**
 * Chrome on Windows, as far as its shaders go before a driver has them: Dawn writes HLSL, of which Microsoft's compiler DXC makes DXIL. Both are the
 * Windows programs of Dawn for Node, on Wine and a Direct3D that has no GPU, which `setup.sh windows` makes of windows.c.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, compileOn, NotSetUp } from './dawn.ts';
import type { Figures, Measured } from './measured.ts';

/**
 * Of DXC's disassembly, which is LLVM's. An array is one that it left in a thread's memory, since it is indexed at run time; a driver's compiler may or
 * may not find registers for it.
 */
export function readDxil(log: string): Figures {
  const text = log.split('/* Dumped disassembled DXIL */')[1]?.split(/^attributes #0/m)[0];
  if (text === undefined) throw new Error('the log has no DXIL');
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  let loops = 0;
  const passed = new Set<string>();
  for (const [, label, jump = ''] of text.matchAll(/^; <label>:(\d+)|^ +br (.*)/gm)) {
    if (label) passed.add(label);
    else if ([...jump.matchAll(/label %(\d+)/g)].some(([, to]) => passed.has(to as string))) loops++;
  }
  return {
    arrays: count(/^ +%\S+ = alloca \[/gm),
    workgroupMemory: Number(/NumBytesGroupSharedMemory: (\d+)/.exec(text)?.[1] ?? 0),
    loops,
    fma: count(/@dx\.op\.tertiary\.f\d+\(i32 46,/g),
    instructions: count(/^ +(%\S+ = |store |br |call |ret )/gm),
  };
}

export async function measureOnWindows(wgsl: string): Promise<Measured> {
  const folder = join(cache, 'windows');
  if (!existsSync(join(folder, 'ready'))) throw new NotSetUp('Dawn for Windows', 'windows');
  const env = {
    WINEPREFIX: join(folder, 'prefix'),
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'dxgi,d3d11,d3d12,dxil=n',
    NODE_SKIP_PLATFORM_CHECK: '1',
  };
  const start = { command: '/usr/lib/wine/wine64', args: [join(folder, 'node.exe')], env, seconds: 120 };
  const { driver, stdout, stderr } = await compileOn(start, wgsl, ['use_dxc', 'dump_shaders']);
  return { driver, figures: readDxil(stdout + stderr) };
}
