/** Checkpoints as training leaves them: the model's tensors are found under whatever was put before their names and beside them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chosenOf, convertBytes } from '../../../cli/convert/convert.ts';
import { type Choice, chooseStateDict, torchCheckpoint } from '../../../cli/convert/state.ts';
import { openTorch } from '../../../cli/convert/torch.ts';
import { checkTensors } from '../../../src/checkpoint/check.ts';
import type { Checkpoint } from '../../../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { tensorsOf } from '../../../src/face/config.ts';
import { fileOf } from '../../checkpoint/files.ts';
import { inMemory } from './in-memory.ts';
import { join, op, torchZip, zipPieces } from './torch-file.ts';

const folder = mkdtempSync(joinPath(tmpdir(), 'facexformer-choose-'));
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = tensorsOf('released');
const FLOATS = 6_000_000;
const storages = { 0: new Uint8Array(4 * FLOATS), 1: new Uint8Array(8 * 2401) };
const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const tuple = (...items: Uint8Array[]) => op.tuple(...items);
const call = (module: string, name: string, ...args: Uint8Array[]) => op.reduce(op.global(module, name), tuple(...args));
const newobj = (module: string, name: string, ...args: Uint8Array[]) => join([op.global(module, name), tuple(...args), op.bytes(0x81)]);
const build = (object: Uint8Array, state: Uint8Array) => join([object, state, bytes('b')]);

type Pairs = [key: string, value: Uint8Array][];
/** Every tensor of the model, all of them views of two storages. */
const model = (prefix = '', wrap = (tensor: Uint8Array) => tensor): Pairs =>
  [...manifest.values()].map(({ name, dtype, shape }) => {
    const tensor = dtype === 'I64' ? op.tensor('1', 2401, shape, { type: 'LongStorage' }) : op.tensor('0', FLOATS, shape);
    return [prefix + name, wrap(tensor)];
  });
const small = op.tensor('0', FLOATS, [8]);
const counter = op.tensor('1', 2401, [], { type: 'LongStorage' });

async function chosen(pairs: Pairs, choice: Choice = {}): Promise<{ checkpoint: Checkpoint; path: string; notes: string }> {
  const file = await openTorch(inMemory(torchZip(op.pickle(op.dict(pairs)), storages), 'test.pt'));
  const state = chooseStateDict(file.root, choice);
  return { checkpoint: torchCheckpoint(file, state), path: state.path, notes: state.notes.join('\n') };
}

/** The model as a state dict beside what else the file holds. */
const beside = (key: string, value: Uint8Array): Pairs => [
  [key, value],
  ['state_dict_backbone', op.dict(model())],
];

const CONVERTED: Record<string, Pairs> = {
  'a counter of an averaging wrapper': [['model_ema', op.dict([['n_averaged', counter], ...model('module.')])]],
  'a counter within the prefix': [['model', op.dict([['net.n_averaged', counter], ...model('net.')])]],
  "a criterion's weights beside the model's": [['state_dict', op.dict([...model('net.'), ['criterion.weight', small]])]],
  "a criterion's weights, where nothing stands before the names": [['state_dict', op.dict([...model(), ['loss.centers', small]])]],
  'the counts that a profiler puts into every module': [
    ['model', op.dict([...model(), ['total_ops', small], ['backbone.total_params', small], ['backbone.0.1.0.attn.total_ops', small]])],
  ],
  'compiled, then distributed': [['model', op.dict(model('module._orig_mod.'))]],
  'a compiled part of the model': [
    ['model', op.dict(model().map(([name, tensor]) => [name.replace(/^backbone\./, 'backbone._orig_mod.'), tensor]))],
  ],
  'fully sharded, then gathered': [['model', op.dict(model('_fsdp_wrapped_module.'))]],
  'parameters with state': [
    [
      'model',
      op.dict(
        model('', (tensor) =>
          call('torch._utils', '_rebuild_parameter_with_state', tensor, op.bytes(0x88), op.dict([]), op.dict([['tag', op.int(1)]])),
        ),
      ),
    ],
  ],
  'parameters in a dict of a class of its own': [
    ['model', join([newobj('easydict', 'EasyDict'), bytes('('), ...model().flatMap(([k, v]) => [op.text(k), v]), bytes('u')])],
  ],
  'paths and arguments': beside(
    'args',
    build(newobj('argparse', 'Namespace'), op.dict([['out', call('pathlib', 'PosixPath', op.text('runs'))]])),
  ),
  "a path of Python 3.13's": beside('out', call('pathlib._local', 'WindowsPath', op.text('C:\\runs'))),
  "PyTorch's version": beside('torch', newobj('torch.torch_version', 'TorchVersion', op.text('2.4.1'))),
  'a configuration': beside('cfg', build(newobj('omegaconf.dictconfig', 'DictConfig'), op.dict([['_content', bytes('N')]]))),
  'a configuration of the program itself': beside('cfg', build(newobj('__main__', 'Config'), op.dict([['lr', op.int(1)]]))),
  'a schedule': beside('lr', call('functools', 'partial', op.global('utils.schedule', 'cosine'))),
  'a date': beside('when', call('datetime', 'datetime', op.text('\x07'))),
  "a number of NumPy's": beside('best', call('numpy._core.multiarray', 'scalar', newobj('numpy', 'dtype', op.text('f8')), op.text('x'))),
  'a member of an enumeration': beside('mode', call('__builtin__', 'getattr', op.global('conf', 'Mode'), op.text('TRAIN'))),
  'a dict with defaults': beside(
    'log',
    join([call('collections', 'defaultdict', op.global('__builtin__', 'list')), bytes('('), op.text('a'), bytes('](K\x01eu')]),
  ),
  'a queue': beside('recent', join([call('collections', 'deque', bytes(']'), op.int(3)), bytes('(K\x01K\x02e')])),
  'a loss as a module': beside('criterion', build(newobj('torch.nn.modules.loss', 'CrossEntropyLoss'), op.dict([]))),
  "Python's own classes by the names of its second version": beside(
    'log',
    tuple(
      call('collections', 'defaultdict', op.global('__builtin__', 'long')),
      call('__builtin__', 'xrange', op.int(3)),
      op.global('__builtin__', 'unicode'),
      call('builtins', 'KeyboardInterrupt'),
      op.global('builtins', 'Ellipsis'),
    ),
  ),
  'an object that is made with a keyword': beside(
    'signature',
    op.reduce(build(call('functools', 'partial', op.global('conf', 'Made')), tuple(op.dict([['k', op.int(1)]]))), tuple()),
  ),
  'a loss as a module, as the older form names its class': beside(
    'criterion',
    build(
      join([tuple(op.text('module'), op.global('conf', 'Loss'), op.text('conf.py'), op.text('class Loss: pass')), bytes('Q)\x81')]),
      op.dict([]),
    ),
  ),
  'complex numbers': beside('spectrum', op.tensor('2', 4, [4], { type: 'ComplexFloatStorage' })),
};

describe('the model is found in a checkpoint with', () => {
  it.each(Object.entries(CONVERTED))('%s', async (_, pairs) => {
    const { checkpoint } = await chosen(pairs);
    expect([...checkpoint.tensors.keys()]).toEqual([...manifest.keys()]);
    checkTensors(checkpoint.tensors, manifest);
  });

  it('a list of it and of what is saved besides', async () => {
    const { root } = await openTorch(inMemory(torchZip(op.pickle(tuple(op.dict(model('module.')), op.int(3))), storages), 'test.pt'));
    const { path, tensors } = chooseStateDict(root);
    expect([path, ...tensors.keys()]).toEqual(['0', ...manifest.keys()]);
  });

  it('every tensor cast, integers too', async () => {
    const cast: Pairs = [...manifest.values()].map(({ name, shape }) => [`module.${name}`, op.tensor('0', FLOATS, shape)]);
    const { checkpoint, notes } = await chosen(cast);
    const floats = [...manifest.values()].filter(({ dtype }) => dtype === 'F32');
    expect([...checkpoint.tensors.keys()]).toEqual(floats.map(({ name }) => name));
    checkTensors(checkpoint.tensors, manifest);
    expect(notes).toMatch(/integers that were cast: 24 tensors \("backbone\.0\.1\.0\.attn\.relative_position_index", /);
  });

  it('tensors with attributes, of a class of their own', async () => {
    const args = (shape: readonly number[]) => {
      const id = tuple(op.text('storage'), op.global('torch', 'FloatStorage'), op.text('0'), op.text('cpu'), op.int(FLOATS));
      return tuple(
        join([id, bytes('Q')]),
        op.int(0),
        tuple(...shape.map(op.int)),
        tuple(op.int(2), op.int(1)),
        op.bytes(0x89),
        op.dict([]),
      );
    };
    const typed = (how: Uint8Array, of: Uint8Array) =>
      call('torch._tensor', '_rebuild_from_type_v2', how, op.global('my.tensors', 'Tagged'), of, op.dict([]));
    const rebuild = op.global('torch._utils', '_rebuild_tensor_v2');
    const { checkpoint } = await chosen([['w', typed(rebuild, args([3, 2]))]]);
    expect(checkpoint.tensors.get('w')).toMatchObject({ shape: [3, 2], dtype: 'F32' });
    const loop = join([
      op.global('torch._tensor', '_rebuild_from_type_v2'),
      bytes(']q\x00(ctorch._tensor\n_rebuild_from_type_v2\nNh\x00NeR'),
    ]);
    await expect(chosen([['w', loop]])).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });
  });

  it('tensors that cannot be read, of which it says that they are left out, or what they are where the model lacks them', async () => {
    const eight = call('torch._utils', '_rebuild_tensor_v3', op.int(0));
    const complex = op.tensor('2', 4, [4], { type: 'ComplexFloatStorage' });
    const whole = await chosen([['model', op.dict([...model('net.'), ['freqs', complex]])]]);
    checkTensors(whole.checkpoint.tensors, manifest);
    expect(whole.notes).toMatch(/cannot be read: 1 tensor \("freqs", of "torch\.ComplexFloatStorage"\)\./);
    expect((await chosen([['a', eight], ...model().slice(0, 2)])).notes).toMatch(
      /1 tensor \("a", of "torch\._utils\._rebuild_tensor_v3"\)/,
    );
    const [[last = '']] = model().slice(-1) as [[string, Uint8Array]];
    const lacking: Pairs[] = [[...model().slice(0, -1), [last, eight]], [[last, eight]]];
    for (const pairs of lacking)
      await expect(chosen([['model', op.dict(pairs)]])).rejects.toMatchObject({
        code: 'BAD_WEIGHTS_FILE',
        message: expect.stringContaining(`1 tensor ("${last}", of "torch._utils._rebuild_tensor_v3") cannot be taken`),
      });
  });
});

describe('of two models', () => {
  const both: Pairs = [['state_dict', op.dict([...model('ema_model.'), ...model('model.')])]];

  it('the one that is no average is taken, and that is said', async () => {
    const { checkpoint, notes } = await chosen(both);
    checkTensors(checkpoint.tensors, manifest);
    expect(notes).toMatch(
      /It holds 2 models\. This is the one of .*--prefix "model\."; there is also --key state_dict --prefix "ema_model\."/,
    );
    const dicts = await chosen([
      ['model_ema', op.dict(model())],
      ['model', op.dict(model())],
    ]);
    expect(dicts.path).toBe('model');
    expect(dicts.notes).toMatch(/This is the one of --key model; there is also --key model_ema\.$/);
    const long = await chosen(['a', 'b'].map((key) => [key.repeat(10_000), op.dict(model())]));
    expect(long.notes.length).toBeLessThan(300);
  });

  it('the one with nothing before its names has a prefix, too, by which it is taken', async () => {
    const pairs: Pairs = [['state_dict', op.dict([...model('student.'), ...model()])]];
    expect((await chosen(pairs)).notes).toMatch(
      /of --key state_dict --prefix "student\."; there is also --key state_dict --prefix "module"\.$/,
    );
    expect((await chosen(pairs, { prefix: 'module' })).notes).toMatch(/^Left out, .* 505 tensors \("student\./);
  });

  it('each is taken by the options that are said of it, whatever else is in its dict, in others, and at the top', async () => {
    const part = (prefix: string) => model(prefix).slice(-300);
    const pairs: Pairs = [
      ...part('net.'),
      ['a', op.dict([...model('net.'), ...part('module.net.'), ...part('')])],
      ['b c', op.dict([...model(), ...model('net.')])],
    ];
    const { notes } = await chosen(pairs);
    const [, ...ways] = /It holds 6 models\. This is the one of (.*); there is also (.*), (.*), (.*), (.*)\.$/m.exec(notes) ?? [];
    const taken: unknown[] = [];
    for (const way of ways) {
      const [, key, prefix] = /^--key (\S+|".*?")(?: --prefix "(.*)")?$/.exec(way) as unknown as [string, string, string | undefined];
      const { path, notes } = await chosen(pairs, { key: key.replaceAll('"', ''), prefix });
      taken.push([way, path, /part of the model, .* \("([^"]*)/.exec(notes)?.[1]]);
    }
    expect(taken).toEqual([
      ['--key a --prefix "net."', 'a', 'module.net.backbone.0.5.9.mlp.0.bias'],
      ['--key "b c" --prefix "module"', 'b c', 'net.backbone.1.weight'],
      ['--key "b c" --prefix "net."', 'b c', 'backbone.1.weight'],
      ['--key .', '', undefined],
      ['--key a --prefix "module.net."', 'a', 'net.backbone.1.weight'],
    ]);
  });

  it('--prefix takes the other, with and without the dot and the words of wrappers', async () => {
    for (const prefix of ['ema_model.', 'ema_model', 'module.ema_model.'])
      expect((await chosen(both, { prefix })).notes, prefix).toMatch(/./);
    const only: Pairs = [['state_dict', op.dict([...model('ema.').slice(0, 300), ...model()])]];
    expect((await chosen(only)).checkpoint.tensors.size).toBe(manifest.size);
    await expect(chosen(both, { prefix: 'x.' })).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(/no tensors under the prefix "x\."/),
    });
  });

  it('what the model’s own modules hold beyond the model is not left out', async () => {
    const { checkpoint } = await chosen([['model', op.dict([...model(), ['face_decoder.extra.weight', small]])]]);
    expect(() => checkTensors(checkpoint.tensors, manifest)).toThrow(/1 unknown \("face_decoder\.extra\.weight"\)/);
  });
});

describe('a safetensors file', () => {
  const header = (prefix: string, more: object = {}) => {
    let end = 0;
    const entries = [...manifest.values()]
      .filter(({ dtype }) => dtype === 'F32')
      .map(({ name, shape }) => {
        const begin = end;
        end += 2 * shape.reduce((n, d) => n * d, 1);
        return [prefix + name, { dtype: 'F16', shape, data_offsets: [begin, end] }];
      });
    return { header: { ...Object.fromEntries(entries), ...more }, end };
  };
  /** Its header alone, as a checkpoint. */
  const opened = (prefix: string, more?: object) => {
    const bytes = fileOf(header(prefix, more).header);
    return openCheckpoint(new Response(new Blob([bytes]).stream()));
  };

  it.each(['_orig_mod.', 'module.', 'module._orig_mod.', 'model.', ''])('with %j before its names', async (prefix) => {
    const { checkpoint } = chosenOf(await opened(prefix));
    expect([...checkpoint.tensors.keys()]).toEqual([...manifest.keys()].filter((name) => manifest.get(name)?.dtype === 'F32'));
    checkTensors(checkpoint.tensors, manifest);
  });

  it('with a counter and a criterion beside the model', async () => {
    const { end } = header('');
    const more = { n_averaged: { dtype: 'I64', shape: [], data_offsets: [end, end + 8] } };
    const { checkpoint, notes } = chosenOf(await opened('module.', more));
    checkTensors(checkpoint.tensors, manifest);
    expect(notes.join()).toMatch(/Left out, since no part of the model, or integers that were cast: 1 tensor \("n_averaged"\)/);
  });

  it('reads the chosen tensors’ own bytes under their own names', async () => {
    const file = fileOf(
      {
        '_orig_mod.a': { dtype: 'U8', shape: [4], data_offsets: [0, 4] },
        '_orig_mod.b': { dtype: 'U8', shape: [4], data_offsets: [4, 8] },
      },
      8,
    );
    const found: Record<string, number[]> = {};
    for await (const { info, data } of chosenOf(await openCheckpoint(file)).checkpoint.read()) found[info.name] = [...data];
    expect(found).toEqual({ a: [0, 1, 2, 3], b: [4, 5, 6, 7] });
    const { checkpoint } = chosenOf(await openCheckpoint(file), { prefix: '_orig_mod' });
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
  });
});

describe('what is no file of weights is named as what it is', () => {
  const tar = new Uint8Array(1024);
  tar.set(bytes('sys_info'));
  tar.set(bytes('ustar'), 257);
  const long = (start: string) => join([bytes(start), new Uint8Array(2000)]);
  const NAMED: Record<string, [file: Uint8Array, says: RegExp]> = {
    gzip: [bytes('\x1f\x8b\x08\0\0\0\0\0\0\x03short'), /packed by gzip/],
    'long gzip': [long('\x1f\x8b\x08\x08abcd\x01'), /packed by gzip/],
    xz: [long('\xfd7zXZ\0\0\x04'), /packed archive/],
    tar: [tar, /tar archive/],
    JSON: [bytes('{"metadata":{"total_size":368}}'), /JSON/],
    'spaced JSON': [bytes('{\n  "model_type": "x"}'), /JSON/],
    HTML: [bytes('<!DOCTYPE html><html></html>'), /: it is a web page/],
    'a plain pickle': [op.pickle(op.dict([])), /a pickle, but not one of torch\.save/],
    'a pickle of protocol 4': [bytes('\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94.'), /a pickle, but not one of torch\.save/],
    'a pickle of protocol 0': [bytes('(dp0\nVa\np1\nI1\ns.'), /a pickle, but not one of torch\.save/],
    TorchScript: [
      join(
        zipPieces([
          { name: 'net/data.pkl', data: bytes('x') },
          { name: 'net/code/__torch__/net.py', data: bytes('def') },
        ]),
      ),
      /TorchScript, a program/,
    ],
    'a program of torch.export': [
      join(zipPieces(['pt2/data/weights/weight_0', 'pt2/archive_format'].map((name) => ({ name, data: bytes('pt2') })))),
      /of torch\.export, a program/,
    ],
    'an archive of files': [
      join(zipPieces([{ name: 'ckpts/model.pt', data: bytes('x') }])),
      /files such as "ckpts\/model\.pt"\. Unpack it/,
    ],
    'an archive of packed files': [
      join(zipPieces([{ name: 'ckpts/model.pt', data: bytes('x'), method: 8 }])),
      /files, such as "ckpts\/model\.pt"\. Unpack it/,
    ],
    'an archive of NumPy': [join(zipPieces([{ name: 'a.npy', data: bytes('x') }])), /one of NumPy/],
    HDF5: [long('\x89HDF\r\n\x1a\n'), /another kind/],
    'a picture': [long('\x89PNG\r\n\x1a\n'), /picture/],
  };
  it.each(Object.entries(NAMED))('%s', async (_, [file, says]) => {
    await expect(convertBytes(inMemory(file), joinPath(folder, 'out'), {})).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(says),
    });
  });

  it('a program of TorchScript, and a whole model', async () => {
    const script = ['m/data.pkl', 'm/constants.pkl'].map((name) => ({ name, data: op.pickle(op.dict([])) }));
    await expect(openTorch(inMemory(join(zipPieces(script))))).rejects.toMatchObject({ message: expect.stringMatching(/TorchScript/) });
    const whole = op.pickle(build(newobj('torch.nn.modules.linear', 'Linear'), op.dict([])));
    await expect(openTorch(inMemory(torchZip(whole))).then(({ root }) => chooseStateDict(root))).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/"torch\.nn\.modules\.linear\.Linear", which is code, not data/),
    });
  });
});
