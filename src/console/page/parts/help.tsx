// The keys of the console, as a dialog.
import { Dialog } from './dialog.tsx';

const KEYS = [
  ['/', 'Search actors'],
  ['j, k', 'Next, previous item of the list'],
  ['Enter', 'Open it'],
  ['Esc', 'Close the actor; then clear the filter'],
  ['g then n', 'Needs attention'],
  ['g then a', 'Actors'],
  ['g then m', 'Machines'],
  ['g then p', 'Processes'],
  ['g then d', 'Dead letters'],
  ['g then q', 'Questions'],
  ['g then c', 'Costs'],
  ['?', 'This list'],
] as const;

export function Help() {
  return (
    <Dialog title="Keys">
      <dl class="pairs">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">Single letters do nothing while a field has the focus.</p>
    </Dialog>
  );
}
