// Faults over operations that only note what happens to them.
import { beforeEach, describe, expect, it } from 'vitest';
import { FaultPort } from '../../../src/control/fault-port.ts';
import type { Act } from '../../../src/control/match.ts';
import { ServiceError } from '../../../src/errors.ts';

let port: FaultPort;
let log: string[];
beforeEach(() => {
  log = [];
  port = new FaultPort();
  port.world = {
    drop: (of) => log.push(`drop ${JSON.stringify(of)}`),
    loseLocks: (of) => log.push(`lose ${JSON.stringify(of)}`),
    stop: (why, wholeProcess) => void log.push(`stop ${wholeProcess}: ${why}`),
  };
});

const client = { container: 'c', cut: () => void log.push('cut'), flushed: async () => {} };

function act(more: Partial<Act> = {}): Act {
  return { operation: 'send', entity: 'Orders', client, ...more };
}

/** Sends one; the work notes that it was done. */
function send(name: string, more: Partial<Act> = {}, outcome: string | ServiceError = 'ok'): void {
  port.through<string>(
    act(more),
    (answer) => {
      log.push(`${name} done`);
      answer(outcome);
    },
    (result) => log.push(`${name} told ${result instanceof ServiceError ? result.condition : result}`),
  );
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('without faults', () => {
  it('nothing is armed, and an operation goes straight through', () => {
    expect(port.armed).toBe(false);
    send('a');
    expect(log).toEqual(['a done', 'a told ok']);
  });
});

describe('a fault', () => {
  it('strikes as often as asked, after as many as are let pass, and disarms the port', async () => {
    const id = await port.inject({ kind: 'reject', on: { skip: 1, times: 2 }, condition: 'no' });
    for (const name of ['a', 'b', 'c', 'd']) send(name);
    expect(log).toEqual(['a done', 'a told ok', 'b told no', 'c told no', 'd done', 'd told ok']);
    expect(await port.list()).toMatchObject([{ id, triggered: 2, spent: true }]);
    expect(port.armed).toBe(false);
  });

  it('can strike always, until it is cleared', async () => {
    const id = await port.inject({ kind: 'reject', on: { times: 'always' }, condition: 'no' });
    for (let count = 0; count < 50; count += 1) send('a');
    await port.clear(id);
    send('b');
    expect(log.filter((line) => line === 'a told no')).toHaveLength(50);
    expect(log.slice(-2)).toEqual(['b done', 'b told ok']);
    expect(await port.list()).toEqual([]);
  });

  it.each<[string, Parameters<FaultPort['inject']>[0]['on'], Partial<Act>]>([
    ['operation', { operation: 'settle' }, { operation: 'settle' }],
    ['entity, whatever its case', { entity: 'ORDERS/x' }, { entity: 'orders/X' }],
    ['session, also the empty one', { session: '' }, { session: '' }],
    ['message', { messageId: 'm' }, { messageId: 'm' }],
    ['container', { container: 'other' }, { client: { ...client, container: 'other' } }],
  ])('is about the given %s alone', async (_, on, fitting) => {
    await port.inject({ kind: 'reject', on: on ?? {}, condition: 'no' });
    send('other');
    send('fitting', fitting);
    expect(log).toEqual(['other done', 'other told ok', 'fitting told no']);
  });

  it('at committed or acknowledged needs a success', async () => {
    await port.inject({ kind: 'stop', on: {} });
    await port.inject({ kind: 'drop-connection', on: {}, at: 'acknowledged' });
    send('a', {}, new ServiceError('refused', 400, 'no'));
    await turn();
    expect(log).toEqual(['a done', 'a told refused']);
    expect(await port.list()).toMatchObject([{ triggered: 0 }, { triggered: 0 }]);
  });
});

describe('what strikes', () => {
  it('rejects although it is done', async () => {
    await port.inject({ kind: 'reject', on: {}, at: 'committed', condition: 'late' });
    send('a');
    expect(log).toEqual(['a done', 'a told late']);
  });

  it('holds an operation until the fault is cleared, or for its time', async () => {
    await port.inject({ kind: 'delay', on: {} });
    const late = await port.inject({ kind: 'delay', on: { session: 's' }, at: 'committed', ms: 1 });
    send('a', { session: 's' });
    send('b');
    expect(log).toEqual(['b done', 'b told ok']);
    expect(port.holding).toBe(1);
    await port.clear('fault-1');
    expect(log).toEqual(['b done', 'b told ok', 'a done']);
    await expect.poll(() => log.at(-1)).toBe('a told ok');
    expect(port.holding).toBe(0);
    await port.triggered(late);
  });

  it('holds for all delays together', async () => {
    const ids = [await port.inject({ kind: 'delay', on: {} }), await port.inject({ kind: 'delay', on: {} })];
    send('a');
    await port.clear(ids[1]);
    expect(log).toEqual([]);
    await port.clear(ids[0]);
    expect(log).toEqual(['a done', 'a told ok']);
  });

  it('cuts the connection of the operation, or those that it names', async () => {
    await port.inject({ kind: 'drop-connection', on: { session: 'lost' } });
    send('a', { session: 'lost' });
    expect(log).toEqual(['cut']);
    await port.inject({ kind: 'drop-connection', on: {}, of: { container: 'y' } });
    await port.inject({ kind: 'drop-connection', on: {}, at: 'committed' });
    await port.inject({ kind: 'drop-connection', on: {}, at: 'committed', of: { entity: 'x' } });
    await port.inject({ kind: 'drop-connection', on: {}, at: 'acknowledged', of: {} });
    send('b');
    await turn();
    expect(log).toEqual([
      'cut',
      'drop {"container":"y"}',
      'b done',
      'cut',
      'drop {"entity":"x"}',
      'b told ok',
      'drop {}',
    ]);
  });

  it('takes the lock of the operation, or those that it names; one without a lock loses none', async () => {
    await port.inject({ kind: 'lose-lock', on: { times: 2 } });
    await port.inject({ kind: 'lose-lock', on: {}, at: 'committed', of: { entity: 'x', session: 's' } });
    send('a', { lock: { sequenceNumber: 4 } });
    send('b');
    expect(log).toEqual([
      'lose {"sequenceNumber":4,"entity":"Orders"}',
      'a done',
      'lose {"entity":"x","session":"s"}',
      'a told ok',
      'b done',
      'b told ok',
    ]);
  });

  it('stops the broker before or after the acknowledgement, and nothing comes after it', async () => {
    await port.inject({ kind: 'stop', on: { operation: 'settle' }, process: true });
    await port.inject({ kind: 'stop', on: { operation: 'send' }, at: 'acknowledged' });
    await port.inject({ kind: 'stop', on: { operation: 'peek' }, at: 'arrived' });
    send('settle', { operation: 'settle' });
    send('send');
    await turn();
    send('peek', { operation: 'peek' });
    expect(log).toEqual([
      'settle done',
      'stop true: a fault (fault-1) stopped it at a settle that was committed',
      'send done',
      'send told ok',
      'stop false: a fault (fault-2) stopped it at a send that was acknowledged',
      'stop false: a fault (fault-3) stopped it at a peek that was arrived',
    ]);
  });

  it('acts at once where no operation is named, and says how many it met', async () => {
    await port.inject({ kind: 'drop-connection', of: { container: 'c' } });
    await port.inject({ kind: 'lose-lock', of: { entity: 'q' } });
    expect(log).toEqual(['drop {"container":"c"}', 'lose {"entity":"q"}']);
    expect(await port.list()).toMatchObject([
      { triggered: 1, spent: true },
      { triggered: 2, spent: true },
    ]);
    expect(port.armed).toBe(false);
  });
});

describe('whoever waits for a fault', () => {
  it('is told when it has struck so often, also afterwards', async () => {
    const id = await port.inject({ kind: 'reject', on: { times: 3 }, condition: 'no' });
    const told: number[] = [];
    const waits = [1, 2].map((count) => port.triggered(id, count).then(() => told.push(count)));
    send('a');
    await turn();
    expect(told).toEqual([1]);
    send('b');
    await Promise.all(waits);
    await port.triggered(id, 2);
  });

  it('is told when it was cleared or the broker has ended, and of an id that is unknown', async () => {
    const [one, two] = [await port.inject({ kind: 'duplicate' }), await port.inject({ kind: 'duplicate' })];
    const waits = [port.triggered(one), port.triggered(two)];
    const refused = { code: 'BROKER_FAULT_INVALID' };
    const all = Promise.all(waits.map((wait) => expect(wait).rejects.toMatchObject(refused)));
    await port.clear(one);
    port.close();
    await all;
    await expect(port.triggered('fault-9')).rejects.toMatchObject(refused);
  });
});
