// What agents stream, in the page: a block of text for each agent that speaks, which grows while one looks at it.
export const STREAM_SCRIPT = String.raw`
import { h } from './dom.js';

/** Of one agent; beyond it the beginning is left out. */
const MAX_CHARACTERS = 100000;
const MAX_BLOCKS = 50;

/** One actor with its children at a time. "onGrow" is called when there is more. */
export function createStream({ onGrow }) {
  const element = h('div', { class: 'said' });
  let source;
  let shown;
  let blocks = new Map();

  const note = (text) => {
    const last = element.lastElementChild;
    if (last?.className === 'soft pad') last.remove();
    if (text !== undefined) element.append(h('p', { class: 'soft pad' }, text));
    onGrow();
  };
  const blockOf = ({ actor, child, branch, attempt }) => {
    const key = actor + ' ' + child + ' ' + (branch ?? '');
    let block = blocks.get(key);
    if (block === undefined) {
      note();
      const text = document.createTextNode('');
      const state = h('span', { class: 'soft' });
      const who = child + (branch === undefined ? '' : ' ' + branch);
      const root = h('section', {}, h('h4', {}, h('b', {}, who), actor === shown ? undefined : h('span', { class: 'soft' }, actor), state), h('pre', {}, text));
      block = { text, state, root };
      blocks.set(key, block);
      element.append(root);
      if (blocks.size > MAX_BLOCKS) {
        const [oldest, { root: first }] = blocks.entries().next().value;
        blocks.delete(oldest);
        first.remove();
      }
    }
    block.state.textContent = attempt > 1 ? 'attempt ' + attempt : '';
    return block;
  };
  const write = (item, text) => {
    const { text: node } = blockOf(item);
    node.appendData(text);
    if (node.length > MAX_CHARACTERS) node.deleteData(0, node.length - MAX_CHARACTERS);
    onGrow();
  };
  const close = () => {
    source?.close();
    source = undefined;
  };
  const on = {
    piece: (item) => write(item, typeof item.value === 'string' ? item.value : JSON.stringify(item.value) + '\n'),
    gap: (item) => write(item, '\n… ' + item.count + ' pieces were not stored\n'),
    restarted: (item) => {
      const block = blockOf(item);
      block.text.data = '';
      block.root.classList.remove('ended');
    },
    ended: (item) => blockOf(item).root.classList.add('ended'),
    over: () => {
      close();
      note(blocks.size === 0 ? 'Nothing was streamed here in the last ten minutes. Children that have ended have their own streams.' : 'It has ended.');
    },
    refused: ({ code, message }) => {
      close();
      note(code + ': ' + message);
    },
  };
  const begin = () => {
    blocks = new Map();
    element.replaceChildren();
    note('Nothing is streamed yet.');
    source = new EventSource('/streams/' + encodeURIComponent(shown));
    // After a break it is all told again.
    source.onopen = () => {
      if (blocks.size === 0) return;
      blocks = new Map();
      element.replaceChildren();
    };
    for (const [kind, act] of Object.entries(on)) source.addEventListener(kind, ({ data }) => act(JSON.parse(data)));
  };
  return {
    element,
    show(id) {
      if (id === shown) return;
      close();
      shown = id;
      if (id !== undefined) begin();
    },
  };
}
`;
