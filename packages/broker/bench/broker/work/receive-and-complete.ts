// `subscribe` under peek-lock; each message is completed by itself.
import { performance } from 'node:perf_hooks';
import { RECEIVE_QUEUE } from '../entities.ts';
import type { Work } from '../work.ts';

const CONCURRENT_CALLS = 100;

export const receiveAndComplete: Work = ({ client }, count) =>
  new Promise((resolve, reject) => {
    const receiver = client.createReceiver(RECEIVE_QUEUE);
    const startedAt = performance.now();
    let completed = 0;
    receiver.subscribe(
      {
        processMessage: async (message) => {
          await receiver.completeMessage(message);
          completed += 1;
          if (completed !== count) return;
          const seconds = (performance.now() - startedAt) / 1000;
          receiver.close().then(() => resolve(seconds), reject);
        },
        processError: async ({ error }) => reject(error),
      },
      { autoCompleteMessages: false, maxConcurrentCalls: CONCURRENT_CALLS },
    );
  });
