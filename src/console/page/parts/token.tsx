// Asks for the token: contexts hold prompts, so nothing is shown without one.
import { useSignal } from '@preact/signals';
import { setToken } from '../api.ts';

export function TokenPrompt() {
  const token = useSignal('');
  return (
    <main class="prompt">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          setToken(token.value.trim());
        }}
      >
        <h1>Quorate console</h1>
        <p>
          Nothing is shown without a token. <code>quorate start</code> and <code>quorate console</code> print
          an address that has one; it stands in <code>console/tokens.json</code> of the data folder too.
        </p>
        <label>
          Token
          <input
            type="password"
            autocomplete="off"
            required
            value={token.value}
            onInput={({ currentTarget }) => {
              token.value = currentTarget.value;
            }}
          />
        </label>
        <button type="submit" class="primary">
          Open
        </button>
      </form>
    </main>
  );
}
