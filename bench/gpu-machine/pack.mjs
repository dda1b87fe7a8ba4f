/** Packs what a Linux machine with a GPU and nothing else needs to run the steps of run.sh; README.md says how. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { build } from 'esbuild';
import { load, root } from '../../tools/load.mjs';
import { parse, refuse } from '../../tools/usage.mjs';
import { wgslForEsbuild } from '../../tools/wgsl.mjs';

const USAGE = `npm run gpu-machine -- [FILE.tar.xz] [--peers] [--official FOLDER]

  FILE.tar.xz   default: .cache/gpu-machine.tar.xz
  --peers       with onnxruntime-node and the official code's script
  --official    the folder "network" of a checkout of the official repository, for the step "torch"
On Linux x86-64 with Debian's apt-get, of whose archive the libraries come that a machine without a display lacks.`;

/** A Vulkan loader, and what NVIDIA's driver links to though nothing is shown. */
const LIBRARIES = ['libvulkan1', 'libegl1', 'libglvnd0', 'libgl1', 'libglx0', 'libopengl0', 'libgles2'].concat(
  ['libx11-6', 'libxext6', 'libxcb1', 'libxau6', 'libxdmcp6', 'libbsd0', 'libmd0'], // libGLX_nvidia's
);
const FIXTURES = ['astronaut.png', 'astronaut-face.safetensors', 'astronaut-face-paper.safetensors'];
const BINDING = 'webgpu/dist/linux-x64/dawn.node';
const ONNXRUNTIME = 'onnxruntime-node/bin/napi-v6/linux/x64';

const { values: options, positionals } = parse(USAGE, { peers: { type: 'boolean' }, official: { type: 'string' } });
if (process.platform !== 'linux' || process.arch !== 'x64') refuse('The folder is packed on Linux x86-64, for Linux x86-64.');
const archive = positionals[0] ?? `${root}.cache/gpu-machine.tar.xz`;
const folder = `${root}.cache/gpu-machine`;
const here = `${root}bench/gpu-machine`;
rmSync(folder, { recursive: true, force: true });

/** Copies to the same place in the folder, or under another name. */
function take(from, to = from.split('/').at(-1)) {
  mkdirSync(`${folder}/${to}`.replace(/[^/]*$/, ''), { recursive: true });
  cpSync(from, `${folder}/${to}`, { recursive: true, filter: (path) => !path.endsWith('.map') });
}

const { commit } = await load('bench/commit.ts');
await build({
  entryPoints: [`${here}/main.ts`],
  outfile: `${folder}/main.mjs`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['webgpu'],
  logLevel: 'error',
  plugins: [wgslForEsbuild],
  loader: { '.json': 'json' },
  define: { COMMIT: JSON.stringify(commit()) },
  // pngjs is CommonJS, and asks for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
take(`${here}/run.sh`);
for (const name of FIXTURES) take(`${root}test/fixtures/${name}`);
take(process.execPath, 'node');
execFileSync('strip', [`${folder}/node`]);
chmodSync(`${folder}/node`, 0o755);
for (const file of ['webgpu/index.js', 'webgpu/package.json', BINDING]) take(`${root}node_modules/${file}`, `node_modules/${file}`);
takeLibraries();
if (options.peers) takePeers();
if (options.official) take(options.official, 'official/network');
// A fast xz: the last megabyte is not worth minutes.
execFileSync('tar', ['-c', '-J', '-f', archive, '-C', `${root}.cache`, 'gpu-machine'], { env: { ...process.env, XZ_OPT: '-3 -T0' } });
console.log(`${archive}: ${(statSync(archive).size / 2 ** 20).toFixed(1)} MiB`);

function takeLibraries() {
  const [packages, unpacked] = [`${folder}/packages`, `${folder}/unpacked`];
  for (const path of [packages, unpacked, `${folder}/libraries`]) mkdirSync(path, { recursive: true });
  execFileSync('apt-get', ['-qq', 'download', ...LIBRARIES], { cwd: packages, stdio: ['ignore', 'inherit', 'ignore'] });
  for (const file of readdirSync(packages)) execFileSync('dpkg', ['-x', `${packages}/${file}`, unpacked]);
  const libraries = `${unpacked}/usr/lib/x86_64-linux-gnu`;
  for (const file of readdirSync(libraries))
    if (/\.so\.\d+$/.test(file)) copyFileSync(`${libraries}/${file}`, `${folder}/libraries/${file}`);
  for (const path of [packages, unpacked]) rmSync(path, { recursive: true });
}

function takePeers() {
  for (const file of ['onnxruntime.mjs', 'official.py']) take(`${here}/${file}`);
  const files = [
    'onnxruntime-node/dist',
    'onnxruntime-node/package.json',
    ONNXRUNTIME,
    'onnxruntime-common/dist',
    'onnxruntime-common/package.json',
  ];
  for (const file of files) take(`${root}node_modules/${file}`, `node_modules/${file}`);
}
