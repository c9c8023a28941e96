// The command that the benches of the broker start: that of its own package, on dist.
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/quorate-broker.js', import.meta.url));
