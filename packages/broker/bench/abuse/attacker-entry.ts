// One attack in a process of its own, until it is killed.
import { ATTACKS } from '../../test/kit/attacks/all.ts';

const [, , connectionString = '', name] = process.argv;
const attack = ATTACKS.find((each) => each.name === name);
if (!attack) throw new Error(`there is no attack '${name}'`);
const port = Number(/Endpoint=sb:\/\/[^:;]+:(\d+)/.exec(connectionString)?.[1]);
// A peer that neither reads nor writes keeps no process alive.
process.on('message', () => {});
await attack.start({ port, connectionString }, attack.sizes[1]);
