// Many of what is allowed: connections, sessions, links.
import { frame, uint } from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer } from '../amqp/raw-peer.ts';
import { ATTACKED_QUEUE, type Attack, keep, linked } from './attack.ts';

const LINKS_AT_ONCE = 100;

export const crowds: readonly Attack[] = [
  {
    name: '1,000 connections with a link each',
    sizes: [50, 1000],
    start: (target, size) =>
      keep(size, async () => {
        const peer = await linked(target, amqp.RECEIVER);
        peer.say(1, amqp.flow(0, 10));
        return peer;
      }),
  },
  {
    name: '5,000 links on a connection, each in its session',
    sizes: [200, 5000],
    start: (target, size) =>
      keep(1, async () => {
        const peer = await RawPeer.opened(target);
        for (let channel = 1; channel <= size; channel += LINKS_AT_ONCE) {
          const last = Math.min(channel + LINKS_AT_ONCE, size + 1);
          for (let each = channel; each < last; each += 1) {
            const link = { address: ATTACKED_QUEUE, role: amqp.RECEIVER, name: `link-${each}` };
            peer.say(each, amqp.begin(), amqp.attach(link), amqp.flow(0, 1));
          }
          await peer.hears(amqp.ATTACH, last - 1);
          peer.heard.length = 0;
        }
        return peer;
      }),
  },
  {
    name: '5,000 links in a session',
    sizes: [200, 5000],
    start: (target, size) =>
      keep(1, async () => {
        const peer = await RawPeer.opened(target);
        await peer.begins(1, { 4: uint(8191) });
        for (let handle = 0; handle < size; handle += LINKS_AT_ONCE) {
          const last = Math.min(handle + LINKS_AT_ONCE, size);
          for (let each = handle; each < last; each += 1) {
            const link = { address: ATTACKED_QUEUE, role: amqp.RECEIVER, handle: each, name: `link-${each}` };
            peer.send(frame(1, amqp.attach(link)));
          }
          await peer.hears(amqp.ATTACH, `link-${last - 1}`);
          peer.heard.length = 0;
        }
        return peer;
      }),
  },
];
