// The page of the console: who is asked for a token, and the view that the address names.
import { useSignalEffect } from '@preact/signals';
import { render } from 'preact';
import type { Me } from '../protocol.ts';
import { get, needsToken, takeToken } from './api.ts';
import { onKey } from './keys.ts';
import { follow } from './live.ts';
import { Shell } from './parts/shell.tsx';
import { TokenPrompt } from './parts/token.tsx';
import { me } from './state.ts';

takeToken();
addEventListener('keydown', onKey);

/** With a token that is taken the page follows what changes, once; another token ends the following before. */
async function enter(): Promise<void> {
  me.value = await get<Me>('me').catch(() => undefined);
  if (me.value !== undefined) await follow();
}

function App() {
  useSignalEffect(() => {
    if (!needsToken.value) void enter();
  });
  return needsToken.value ? <TokenPrompt /> : <Shell />;
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
