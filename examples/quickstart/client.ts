import { connect } from 'quorate';
import type { config } from './quorate.config.ts';

const client = await connect<typeof config>();
const text = 'It survives a kill. It continues.';
console.log(await client.run('summary', { id: 'one', input: { text } })); // { words: 6, opening: 'It survives a kill.' }
await client.close();
