// What has changed, as the server tells it: server-sent events read by fetch, because EventSource sends no token. After a cut it connects
// again, and views read anew what they show.
import { signal } from '@preact/signals';
import type { Changes } from '../protocol.ts';
import { ApiError, call } from './api.ts';
import { connection } from './state.ts';

const AGAIN_MS = 2_000;

/** Each tells its rows once; `at` makes equal ones differ. */
export const changes = signal<Changes & { readonly at: number }>({ addresses: [], more: true, at: 0 });

export async function follow(): Promise<void> {
  let isFirst = true;
  for (;;) {
    try {
      const { body } = await call('changes');
      connection.value = 'live';
      if (!isFirst) tell({ addresses: [], more: true });
      isFirst = false;
      if (body !== null) await read(body);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    connection.value = 'lost';
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const frames = (text + part.value).split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const data = frame.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) tell(JSON.parse(data.slice('data: '.length)) as Changes);
    }
  }
}

function tell(told: Changes): void {
  changes.value = { ...told, at: changes.value.at + 1 };
}
