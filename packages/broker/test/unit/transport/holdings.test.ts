import { expect, onTestFinished, test, vi } from 'vitest';
import { type Holding, Holdings } from '../../../src/transport/holdings.ts';

const MB = 1024 * 1024;

function clock(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

test('under the limit nobody is cut; over it, who has held most for longest', () => {
  clock();
  const holdings = new Holdings(10 * MB);
  const cut: string[] = [];
  const open = (name: string): Holding => holdings.open(() => void cut.push(name));
  const [old, young] = [open('old'), open('young')];
  old.add('messages', 3 * MB);
  vi.advanceTimersByTime(5000);
  young.add('messages', 6 * MB);
  expect(cut).toEqual([]);
  young.add('messages', 3 * MB);
  expect(cut).toEqual(['old']);
  young.add('messages', 2 * MB);
  expect(cut).toEqual(['old', 'young']);
});

test('what is given back counts no more, and who has gone holds nothing', () => {
  const holdings = new Holdings(10 * MB);
  let cut = 0;
  const [one, two] = [holdings.open(() => (cut += 1)), holdings.open(() => (cut += 1))];
  for (let times = 0; times < 100; times += 1) {
    one.add('messages', 9 * MB);
    one.add('messages', -9 * MB);
  }
  one.set('output', 9 * MB);
  holdings.close(one);
  one.set('output', 99 * MB);
  two.set('input', 9 * MB);
  expect(cut).toBe(0);
});

test('time begins anew for who held next to nothing in between', () => {
  clock();
  const holdings = new Holdings(10 * MB);
  const cut: string[] = [];
  const [steady, bursts] = [
    holdings.open(() => void cut.push('steady')),
    holdings.open(() => void cut.push('bursts')),
  ];
  bursts.set('output', 4 * MB);
  vi.advanceTimersByTime(10_000);
  bursts.set('output', 0);
  steady.set('replies', MB);
  vi.advanceTimersByTime(1000);
  bursts.set('output', 10 * MB);
  expect(cut).toEqual(['steady']);
});
