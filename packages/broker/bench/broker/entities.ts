// The entities of the broker's bench, as Microsoft's emulator would be told of them.

export const SEND_QUEUE = 'send';
export const BATCH_QUEUE = 'batch';
export const RECEIVE_QUEUE = 'receive';
export const SESSION_QUEUE = 'sessions';

/** A million messages of a kilobyte take more than the default gigabyte. */
const MEGABYTES = 5120;

export const CONFIG = JSON.stringify({
  UserConfig: {
    Namespaces: [
      {
        Name: 'sbemulatorns',
        Queues: [
          { Name: SEND_QUEUE, Properties: { MaxSizeInMegabytes: MEGABYTES } },
          { Name: BATCH_QUEUE, Properties: { MaxSizeInMegabytes: MEGABYTES } },
          { Name: RECEIVE_QUEUE, Properties: { MaxSizeInMegabytes: MEGABYTES } },
          { Name: SESSION_QUEUE, Properties: { MaxSizeInMegabytes: MEGABYTES, RequiresSession: true } },
        ],
      },
    ],
  },
});
