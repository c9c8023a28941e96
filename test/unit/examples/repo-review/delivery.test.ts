// The delivery as a transaction on a folder: whole, or byte for byte as it was, whenever it dies and however often it runs.
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Point,
  publish,
  stage,
  verify,
  write,
} from '../../../../examples/repo-review/delivery/steps.ts';
import { unpublish, unstage, unwrite } from '../../../../examples/repo-review/delivery/undo.ts';
import { temporaryFolder, treeOf } from './kit.ts';

const DOCUMENTS = { 'report.md': '# New\n', 'report.json': '{}\n', 'plan.json': '[]\n' };
const NAMES = Object.keys(DOCUMENTS);
const quiet: Point = () => undefined;
const sound = async (): Promise<undefined> => undefined;

interface Scene {
  /** Everything that a delivery may touch lies below. */
  readonly world: string;
  readonly out: string;
  readonly run: string;
}

type Setting = (world: string) => Promise<string>;

const SETTINGS: Record<string, Setting> = {
  'a folder with an older report and files of others': async (world) => {
    const out = join(world, 'out');
    await mkdir(out);
    await writeFile(join(out, 'report.md'), 'older\r\n\0binary');
    await chmod(join(out, 'report.md'), 0o600);
    await writeFile(join(out, 'notes.txt'), 'mine');
    await writeFile(join(world, 'beside.txt'), 'beside');
    await symlink('notes.txt', join(out, 'plan.json'));
    return out;
  },
  'an empty folder': async (world) => {
    await mkdir(join(world, 'out'));
    return join(world, 'out');
  },
  'no folder, nor its parents': async (world) => join(world, 'a', 'b', 'out'),
  'a link to a folder': async (world) => {
    await mkdir(join(world, 'real'));
    await writeFile(join(world, 'real', 'report.json'), 'older');
    await symlink('real', join(world, 'out'));
    return join(world, 'out');
  },
};

async function scene(setting: Setting): Promise<Scene> {
  const [world, run] = [await temporaryFolder(), await temporaryFolder()];
  return { world, run, out: await setting(world) };
}

/** The four steps, as functions that can be run again. */
function steps({ run, out }: Scene, point: Point): (() => Promise<unknown>)[] {
  return [
    () => stage(run, out, NAMES, 1, point),
    () => write(run, DOCUMENTS, point),
    () => verify(run, sound, point),
    () => publish(run, point),
  ];
}

async function runAll(one: Scene, point: Point = quiet): Promise<void> {
  for (const step of steps(one, point)) await step();
}

async function pointsOf(
  setting: Setting,
  work: (one: Scene, point: Point) => Promise<unknown>,
): Promise<string[]> {
  const seen: string[] = [];
  await work(await scene(setting), (name) => void seen.push(name));
  return seen;
}

/** As the saga does it. */
async function undo(run: string, point: Point): Promise<void> {
  await unpublish(run, point);
  await unwrite(run, point);
  await unstage(run, point);
}

class Crash extends Error {}

/** Dies at the `nth` point. */
function dyingAt(nth: number): Point {
  let passed = 0;
  return (name) => {
    if (passed++ === nth) throw new Crash(name);
  };
}

const crashed = async (work: Promise<unknown>): Promise<void> => {
  await expect(work).rejects.toThrow(Crash);
};

describe.each(Object.entries(SETTINGS))('into %s', (_, setting) => {
  test('it publishes all documents and leaves nothing else', async () => {
    const one = await scene(setting);
    const before = await treeOf(one.world);
    await runAll(one);
    const after = await treeOf(one.world);
    const added = Object.keys(after).filter((name) => !(name in before));
    expect(added.every((name) => NAMES.includes(name.split('/').at(-1) ?? '') || !name.includes('.'))).toBe(
      true,
    );
    const out = await treeOf(one.out);
    for (const [name, text] of Object.entries(DOCUMENTS)) {
      expect(Buffer.from(out[name]?.split(' ')[1] ?? '', 'base64').toString()).toBe(text);
    }
    for (const name of ['out/notes.txt', 'beside.txt']) expect(after[name]).toBe(before[name]);
  });

  test('each step run twice ends where it ends once', async () => {
    const [once, twice] = [await scene(setting), await scene(setting)];
    await runAll(once);
    for (const step of steps(twice, quiet)) {
      await step();
      await step();
    }
    expect(await treeOf(twice.world)).toEqual(await treeOf(once.world));
  });

  test('died at any instant and run again, it ends where it ends without', async () => {
    const clean = await scene(setting);
    await runAll(clean);
    const wanted = await treeOf(clean.world);
    const points = await pointsOf(setting, runAll);
    expect(points.length).toBeGreaterThan(12);
    for (const nth of points.keys()) {
      const one = await scene(setting);
      const point = dyingAt(nth);
      for (const step of steps(one, point)) {
        await step().catch(async (error: unknown) => {
          expect(error).toBeInstanceOf(Crash);
          await step();
        });
      }
      expect(await treeOf(one.world), points[nth]).toEqual(wanted);
    }
  });

  test('died at any instant and undone, the folder is as it was', async () => {
    const points = await pointsOf(setting, runAll);
    for (const nth of points.keys()) {
      const one = await scene(setting);
      const before = await treeOf(one.world);
      await crashed(runAll(one, dyingAt(nth)));
      await undo(one.run, quiet);
      expect(await treeOf(one.world), points[nth]).toEqual(before);
    }
  });

  test('died at any instant, run again to the end and then undone, the folder is as it was', async () => {
    const points = await pointsOf(setting, runAll);
    for (const nth of points.keys()) {
      const one = await scene(setting);
      const before = await treeOf(one.world);
      const point = dyingAt(nth);
      for (const step of steps(one, point)) await step().catch(step);
      await undo(one.run, quiet);
      expect(await treeOf(one.world), points[nth]).toEqual(before);
    }
  });

  test('undone after the very end, with the undo dying at any instant, the folder is as it was', async () => {
    const points = await pointsOf(setting, async (one, point) => {
      await runAll(one);
      await undo(one.run, point);
    });
    expect(points.length).toBeGreaterThan(4);
    for (const nth of points.keys()) {
      const one = await scene(setting);
      const before = await treeOf(one.world);
      await runAll(one);
      await crashed(undo(one.run, dyingAt(nth)));
      await undo(one.run, quiet);
      await undo(one.run, quiet);
      expect(await treeOf(one.world), points[nth]).toEqual(before);
    }
  });

  test('once undone, no step that was thought dead goes on', async () => {
    const one = await scene(setting);
    const before = await treeOf(one.world);
    const [first, second, , last] = steps(one, quiet);
    await first?.();
    await second?.();
    await undo(one.run, quiet);
    for (const step of [first, second, last]) {
      await expect(step?.()).rejects.toMatchObject({ code: 'DELIVERY_CLOSED', retryable: false });
    }
    expect(await treeOf(one.world)).toEqual(before);
  });
});

test('undone before it began, nothing is touched', async () => {
  const one = await scene(SETTINGS['an empty folder'] as Setting);
  const before = await treeOf(one.world);
  await undo(one.run, quiet);
  expect(await treeOf(one.world)).toEqual(before);
});

test('the undo leaves what others have put into a folder that it had made', async () => {
  const one = await scene(SETTINGS['no folder, nor its parents'] as Setting);
  await runAll(one);
  await writeFile(join(one.out, 'theirs.txt'), 'x');
  await undo(one.run, quiet);
  expect(Object.keys(await treeOf(one.world)).sort()).toEqual(['a', 'a/b', 'a/b/out', 'a/b/out/theirs.txt']);
});

describe('refused with a code', () => {
  test('an output folder that is a file', async () => {
    const [world, run] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(world, 'out'), 'x');
    const refused = stage(run, join(world, 'out'), NAMES, 1, quiet);
    await expect(refused).rejects.toMatchObject({ code: 'OUTPUT_BLOCKED', retryable: false });
    const below = stage(run, join(world, 'out', 'deeper'), NAMES, 1, quiet);
    await expect(below).rejects.toMatchObject({ code: 'OUTPUT_BLOCKED' });
  });

  test('a folder where a document should go', async () => {
    const [world, run] = [await temporaryFolder(), await temporaryFolder()];
    await mkdir(join(world, 'report.md'));
    await expect(stage(run, world, NAMES, 1, quiet)).rejects.toMatchObject({ code: 'OUTPUT_BLOCKED' });
  });

  test('a document that changed between write and verify, or does not pass the check', async () => {
    const one = await scene(SETTINGS['an empty folder'] as Setting);
    const [first, second, third] = steps(one, quiet);
    await first?.();
    await second?.();
    await expect(verify(one.run, async (name) => `${name} is bad`, quiet)).rejects.toMatchObject({
      code: 'DELIVERY_UNVERIFIED',
    });
    const staging = Object.keys(await treeOf(one.world)).find((name) => name.endsWith('/report.md'));
    await writeFile(join(one.world, staging ?? ''), 'tampered');
    await expect(third?.()).rejects.toThrow('report.md is not what was written');
  });
});
