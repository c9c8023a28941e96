// What may be done with an actor. Each opens a dialog that says its exact effect and the command line that does the same.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Json } from '../../../contract/json.ts';
import type { ActorRow } from '../../protocol.ts';
import { actorPath, failureText, send } from '../api.ts';
import { ACTIONS, type ActionName, whyNot } from '../model/abilities.ts';
import { quoted } from '../model/text.ts';
import { announce, dialog, role } from '../state.ts';
import { closeDialog, Dialog } from './dialog.tsx';

const TITLES: Readonly<Record<ActionName, string>> = {
  send: 'Send an event',
  cancel: 'Cancel',
  release: 'Release',
  'top-up': 'Top up',
  purge: 'Purge',
};

interface Target {
  readonly actor: ActorRow;
  /** Types of events that its state takes, where its holder has said so. */
  readonly events: readonly string[];
  readonly done: () => void;
}

export function Actions({ actor, events, done }: Target) {
  return (
    <div class="row actions" role="group" aria-label="Actions">
      {ACTIONS.map((name) => {
        const reason = whyNot(name, actor, role.value);
        return (
          <button
            key={name}
            type="button"
            class={name === 'purge' || name === 'cancel' ? 'danger' : undefined}
            aria-disabled={reason !== undefined}
            title={reason}
            onClick={() => {
              dialog.value =
                reason === undefined
                  ? () => <ActionDialog name={name} actor={actor} events={events} done={done} />
                  : () => (
                      <Dialog title={TITLES[name]}>
                        <p>{reason}</p>
                      </Dialog>
                    );
            }}
          >
            {TITLES[name]}
          </button>
        );
      })}
    </div>
  );
}

function ActionDialog({ name, ...target }: Target & { readonly name: ActionName }) {
  const { actor } = target;
  if (name === 'send') return <SendDialog {...target} />;
  if (name === 'top-up') return <TopUpDialog {...target} />;
  const says = {
    cancel: `Stops ${actor.address} and all actors that it started. Work that has not begun is not begun; what runs is told to end. This cannot be undone.`,
    release: `Lets ${actor.address} take its events again, the one first that failed. If the cause is still there, it stands still again.`,
    purge: `Erases the state of ${actor.address} and its history in the index. This cannot be undone.`,
  }[name];
  return (
    <Confirm
      title={`${TITLES[name]} ${actor.id}`}
      path={`${actorPath(actor.address)}/${name}`}
      body={{}}
      line={`quorate actors ${name} ${quoted(actor.address)}`}
      verb={TITLES[name]}
      done={target.done}
    >
      <p>{says}</p>
    </Confirm>
  );
}

function SendDialog({ actor, events, done }: Target) {
  const type = useSignal(events[0] ?? '');
  const fields = useSignal('{}');
  const parsed = readFields(fields.value);
  const event = { type: type.value, ...parsed.value };
  return (
    <Confirm
      title={`Send an event to ${actor.id}`}
      path={`${actorPath(actor.address)}/send`}
      body={{ event }}
      line={`quorate actors send ${quoted(actor.address)} ${quoted(JSON.stringify(event))}`}
      verb="Send"
      reason={type.value === '' ? 'The event has no type.' : parsed.error}
      done={done}
    >
      <p>
        Goes into the queue of {actor.address}, after what lies there. Its state takes:{' '}
        {events.length === 0 ? 'not known' : events.join(', ')}. A guard may still refuse it.
      </p>
      <label class="field">
        <span>Type</span>
        <input
          list="event-types"
          value={type.value}
          onInput={({ currentTarget }) => {
            type.value = currentTarget.value;
          }}
        />
      </label>
      <datalist id="event-types">
        {events.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <label class="field">
        <span>Its other fields, as a JSON object</span>
        <textarea
          rows={6}
          spellcheck={false}
          value={fields.value}
          onInput={({ currentTarget }) => {
            fields.value = currentTarget.value;
          }}
        />
      </label>
    </Confirm>
  );
}

function readFields(text: string): { readonly value: Record<string, Json>; readonly error?: string } {
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { value: value as Record<string, Json> };
    return { value: {}, error: 'The fields are no JSON object.' };
  } catch {
    return { value: {}, error: 'The fields are no JSON.' };
  }
}

function TopUpDialog({ actor, done }: Target) {
  const usd = useSignal('');
  const tokens = useSignal('');
  const amount = {
    ...(Number(usd.value) > 0 ? { usd: Number(usd.value) } : {}),
    ...(Number.isInteger(Number(tokens.value)) && Number(tokens.value) > 0
      ? { tokens: Number(tokens.value) }
      : {}),
  };
  const flags = Object.entries(amount).map(([name, value]) => ` --${name} ${value}`);
  return (
    <Confirm
      title={`Top up ${actor.id}`}
      path={`${actorPath(actor.address)}/top-up`}
      body={amount}
      line={`quorate budgets top-up ${quoted(actor.address)}${flags.join('')}`}
      verb="Top up"
      reason={flags.length === 0 ? 'Say an amount above 0.' : undefined}
      done={done}
    >
      <p>Adds to the budget of this run: work that was held back leaves as far as the amount covers it.</p>
      {(
        [
          ['US dollars', usd, 'any'],
          ['Tokens', tokens, '1'],
        ] as const
      ).map(([title, amountOf, step]) => (
        <label key={title} class="field">
          <span>{title}</span>
          <input
            type="number"
            min="0"
            step={step}
            value={amountOf.value}
            onInput={({ currentTarget }) => {
              amountOf.value = currentTarget.value;
            }}
          />
        </label>
      ))}
    </Confirm>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly path: string;
  readonly body: object;
  readonly line: string;
  readonly verb: string;
  /** Why it cannot be done as it stands. */
  readonly reason?: string | undefined;
  readonly done: () => void;
  readonly children: ComponentChildren;
}

export function Confirm({ title, path, body, line, verb, reason, done, children }: ConfirmProps) {
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const act = async (): Promise<void> => {
    isBusy.value = true;
    problem.value = '';
    try {
      await send('POST', path, body);
      announce(`${verb}: done`);
      closeDialog();
      done();
    } catch (error) {
      problem.value = failureText(error);
    }
    isBusy.value = false;
  };
  return (
    <Dialog title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (reason === undefined && !isBusy.value) void act();
        }}
      >
        {children}
        <p class="soft">The same by command line:</p>
        <pre class="line">{line}</pre>
        {problem.value === '' ? null : (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        {reason === undefined ? null : <p class="soft">{reason}</p>}
        <div class="row end">
          <button type="button" onClick={closeDialog}>
            Leave it
          </button>
          <button type="submit" class="primary" disabled={reason !== undefined || isBusy.value}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
