import { connect } from 'quorate';
import type { config } from './quorate.config.ts';

const client = await connect<typeof config>();
await client.start('summary', { id: 'one', input: { text: 'It survives a kill. It goes on.' } });
console.log(await client.result('summary', 'one')); // { words: 7, opening: 'It survives a kill.' }
await client.close();
