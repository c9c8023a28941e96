// A client for the time of one command: of the broker that runs on the data folder, or of the namespace of the environment.
import type { QuorateClient } from '../../contract/client.ts';

export async function withClient<T>(
  data: string | undefined,
  use: (client: QuorateClient) => Promise<T>,
): Promise<T> {
  const { connect } = await import('../../client/connect.ts');
  const client = await connect(data === undefined ? {} : { data });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
