// What clients of other languages say: recordings of Python, Go, Java and JMS at work with the queues of the fuzzer.
// Their tokens are signed with the key of Microsoft's emulator and run out in 2096; a file is the connections, zipped.
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { framesIn } from './record.ts';

const FOLDER = new URL('./seeds/', import.meta.url);
const ENDING = '.json.gz';

/** Of each client, by its name and version, one list of frames for each of its connections. */
export function seeds(): ReadonlyMap<string, Buffer[][]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(ENDING));
  return new Map(files.map((name) => [name.slice(0, -ENDING.length), connectionsIn(name)]));
}

function connectionsIn(name: string): Buffer[][] {
  const said = JSON.parse(gunzipSync(readFileSync(new URL(name, FOLDER))).toString()) as string[];
  return said.map((bytes) => framesIn(Buffer.from(bytes, 'latin1')));
}
