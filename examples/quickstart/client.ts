import { connect } from 'quorate';
import type { config } from './quorate.config.ts';

const client = await connect<typeof config>();
const text = 'It survives a kill. It goes on.';
console.log(await client.run('summary', { id: 'one', input: { text } })); // { words: 7, opening: 'It survives a kill.' }
await client.close();
