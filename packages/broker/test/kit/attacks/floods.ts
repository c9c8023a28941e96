// Much work for few bytes, as fast as the socket takes it.
import { compound, frame, list, map, NULL, string, symbol, uint } from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer, type Target } from '../amqp/raw-peer.ts';
import {
  ATTACKED_QUEUE,
  ATTACKED_SESSIONS,
  type Attack,
  inSession,
  keep,
  linked,
  type Stop,
} from './attack.ts';
import { managing, peekRequest } from './holding.ts';

const BURST = 200;

/** Writes what `burst` makes whenever the socket has taken what was written before. */
async function flood(
  size: number,
  make: (index: number) => Promise<RawPeer>,
  burst: (peer: RawPeer, round: number) => void,
): Promise<Stop> {
  return keep(size, async (index) => {
    const peer = await make(index);
    const write = (round: number) => {
      if (peer.socket.destroyed) return;
      peer.heard.length = 0;
      burst(peer, round);
      if (peer.socket.writableNeedDrain) peer.socket.once('drain', () => write(round + 1));
      else setImmediate(write, round + 1);
    };
    write(0);
    return peer;
  });
}

const opened = (target: Target) => RawPeer.opened(target);

export const floods: readonly Attack[] = [
  {
    name: 'a flood of requests',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => managing(target, ATTACKED_QUEUE, 0xffff_ffff),
        (peer, round) => {
          // Within the credit, which comes back as replies go out.
          if (round % 10 === 0) for (let id = 0; id < 10; id += 1) peer.send(peekRequest(round + id, 1));
        },
      ),
  },
  {
    name: 'requests whose operation nobody knows',
    sizes: [2, 4],
    start: (target, size) =>
      keep(size, async () => {
        const peer = await managing(target, ATTACKED_QUEUE, 0xffff_ffff);
        for (let id = 0; id < 90; id += 1) {
          const request = amqp.requestMessage(
            `${id}`,
            'replies',
            [['operation', string(id % 2 ? '__proto__' : `nothing-${Math.random()}`)]],
            id % 3 ? map() : NULL,
          );
          peer.send(frame(1, amqp.transfer({ handle: 1, id, settled: true }), request));
        }
        setTimeout(() => peer.hangUp(), 200);
        return peer;
      }),
  },
  {
    name: 'requests that are too much',
    sizes: [2, 10],
    start: (target, size) => {
      const bodies = [
        list(...Array.from({ length: 12_000 }, () => NULL)),
        compound(0xd0, 0x7fff_ffff, [NULL]),
        map(string('from-sequence-number'), string('x'), string('message-count'), uint(0xffff_ffff)),
      ];
      return keep(size, async (index) => {
        const peer = await managing(target, ATTACKED_QUEUE, 0xffff_ffff);
        for (let id = 0; id < 90; id += 1) {
          const body = bodies[(index + id) % bodies.length] ?? NULL;
          const name = string('com.microsoft:peek-message');
          const request = amqp.requestMessage(`${id}`, 'replies', [['operation', name]], body);
          peer.send(frame(1, amqp.transfer({ handle: 1, id, settled: true }), request));
        }
        setTimeout(() => peer.hangUp(), 500);
        return peer;
      });
    },
  },
  {
    name: 'a flood of attach and detach',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => inSession(target),
        (peer, round) => {
          const said = Array.from({ length: BURST }, (_, at) => [
            amqp.attach({
              address: ATTACKED_QUEUE,
              role: at % 2 === 0,
              handle: at,
              name: `${round}-${at % 7}-${at}`,
            }),
            amqp.flow(at, 1),
            amqp.detach(at),
          ]);
          peer.say(1, ...said.flat());
        },
      ),
  },
  {
    name: 'a flood of sessions that begin and end',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => opened(target),
        (peer) => {
          for (let at = 0; at < BURST; at += 1) {
            const link = amqp.attach({ address: ATTACKED_QUEUE, role: amqp.RECEIVER });
            peer.say(1 + at, amqp.begin(), link, amqp.flow(0, 5), amqp.end());
          }
        },
      ),
  },
  {
    name: 'a flood of accepted sessions',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => inSession(target),
        (peer, round) => {
          const said = Array.from({ length: BURST }, (_, at) => {
            const wanted = at % 3 === 0 ? NULL : string(`session-${round}-${at}`);
            const filter = map(symbol('com.microsoft:session-filter'), wanted);
            const source = amqp.source(ATTACKED_SESSIONS, filter);
            const name = `${round}-${at}`;
            return [
              amqp.attach({ address: ATTACKED_SESSIONS, role: amqp.RECEIVER, handle: at, name, source }),
              amqp.flow(at, 1),
              amqp.detach(at),
            ];
          });
          peer.say(1, ...said.flat());
        },
      ),
  },
  {
    name: 'ranges of dispositions',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => linked(target, amqp.RECEIVER),
        (peer) => {
          const said = [true, false].map((role) => amqp.disposition(role, 0, 0xffff_ffff, amqp.accepted));
          for (let at = 0; at < BURST; at += 1) peer.say(1, ...said);
        },
      ),
  },
  {
    name: 'messages without credit',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => linked(target, amqp.SENDER),
        (peer, round) => {
          for (let at = 0; at < BURST; at += 1) {
            peer.send(frame(1, amqp.transfer({ id: round * BURST + at }), amqp.dataMessage(10)));
          }
        },
      ),
  },
  {
    name: 'flows and heartbeats',
    sizes: [2, 10],
    start: (target, size) =>
      flood(
        size,
        () => linked(target, amqp.RECEIVER),
        (peer) => {
          const drain = amqp.flow(0, 10, { 8: Buffer.from([0x41]), 9: Buffer.from([0x41]) });
          for (let at = 0; at < BURST; at += 1)
            peer.send(frame(1, drain), Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]));
        },
      ),
  },
  {
    name: 'tokens without end',
    sizes: [2, 4],
    start: (target, size) =>
      flood(
        size,
        () => opened(target),
        (peer, round) => {
          const request = amqp.requestMessage(
            `${round}`,
            'cbs-replies',
            [
              ['operation', string('put-token')],
              ['type', string('jwt')],
              ['name', string(`sb://localhost/${round}`)],
            ],
            string('a.b.c'),
          );
          peer.send(frame(0, amqp.transfer({ handle: 1, id: round + 1, settled: true }), request));
          peer.say(0, amqp.flow(0, 0xffff));
        },
      ),
  },
];
