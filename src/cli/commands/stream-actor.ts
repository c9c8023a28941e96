// `quorate actors stream`: what an actor's agents stream, as it comes. Text stands as it is; what is none is a line of JSON. Streams of
// several agents or branches are told apart by a line of their names.
import type { ActorAddress } from '../../contract/address.ts';
import type { StreamItem } from '../../contract/stream.ts';
import { EXIT, type ExitCode } from '../shared/exit.ts';
import { withClient } from '../shared/with-client.ts';

interface StreamCommandOptions {
  readonly data?: string;
  readonly json?: true;
  readonly from?: string;
  readonly children?: true;
}

export async function streamActor(
  { type, id }: ActorAddress,
  { data, json, from, children }: StreamCommandOptions,
): Promise<ExitCode> {
  const write = async (text: string): Promise<void> => {
    if (text !== '' && !process.stdout.write(text))
      await new Promise((resolve) => process.stdout.once('drain', resolve));
  };
  const toText = createPrinter();
  await withClient(data, async (client) => {
    const items = client.stream(type, id, {
      ...(from === undefined ? {} : { from }),
      ...(children === undefined ? {} : { children }),
    });
    for await (const item of items) await write(json ? `${JSON.stringify(item)}\n` : toText(item));
  });
  if (!json) await write(toText(undefined));
  return EXIT.done;
}

/** What is to be written for each item; in the end for none. */
export function createPrinter(): (item: StreamItem | undefined) => string {
  let speaking: string | undefined;
  let isMidLine = false;
  const line = (text: string): string => {
    const before = isMidLine ? '\n' : '';
    isMidLine = false;
    return `${before}${text}\n`;
  };
  return (item) => {
    if (item === undefined) return isMidLine ? line('').slice(0, 1) : '';
    const own = item.branch === undefined ? item.child : `${item.child} ${item.branch}`;
    const name = item.actor === undefined ? own : `${item.actor} ${own}`;
    if (item.kind === 'ended') return '';
    if (item.kind === 'restarted') {
      speaking = name;
      return line(`--- ${printable(name)}: attempt ${item.attempt}, from the beginning`);
    }
    const head = speaking === name ? '' : line(`--- ${printable(name)}`);
    speaking = name;
    if (item.kind === 'gap') return `${head}${line(`--- ${item.count} pieces were not stored`)}`;
    if (typeof item.value !== 'string') return `${head}${line(JSON.stringify(item.value))}`;
    const text = printable(item.value);
    if (text !== '') isMidLine = !text.endsWith('\n');
    return `${head}${text}`;
  };
}

/** What a model says moves no cursor and sets no title. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}
