// The page's own loop: frames come in, the model is changed, list and detail are drawn again.
export const APP_SCRIPT = String.raw`
import { createChart } from './chart.js';
import { createDetail } from './detail.js';
import { byId, oncePerFrame, setText } from './dom.js';
import { createList } from './list.js';
import { createModel } from './model.js';

let selected = fromHash();
let chosenByHand = selected !== undefined;

function fromHash() {
  return location.hash.length > 1 ? decodeURIComponent(location.hash.slice(1)) : undefined;
}

const render = oncePerFrame(() => {
  const { actors } = model;
  // Until somebody chooses: the first root actor that is still running, so that a page opened early shows something.
  if (!chosenByHand && !actors.has(selected)) {
    const all = [...actors.values()];
    selected = (all.find((one) => !one.parentId && one.snapshot.status === 'active') ?? all.find((one) => !one.parentId) ?? all[0])?.id;
  }
  const actor = actors.get(selected);
  byId('empty').hidden = actors.size > 0 && actor !== undefined;
  byId('main').hidden = actor === undefined;
  const title = byId('empty').querySelector('h2');
  setText(title, selected !== undefined && actor === undefined && actors.size > 0 ? selected + ' is not here' : 'No actors yet');
  list.render(selected);
  if (actor) {
    detail.show(actor);
    chart.show(actor);
  }
  const counts = { active: 0, done: 0, error: 0, stopped: 0 };
  for (const { snapshot } of actors.values()) counts[snapshot.status] += 1;
  setText(byId('totals'), Object.entries(counts).filter(([name, count]) => count > 0 || name === 'active').map(([name, count]) => count + ' ' + name).join(' · '));
  document.title = actor ? actor.id + ' · Quorate inspector' : 'Quorate inspector';
});

function select(id) {
  selected = id;
  chosenByHand = true;
  history.replaceState(null, '', '#' + encodeURIComponent(id));
  render();
}

const LINK_TEXT = { live: 'live', lost: 'connection lost, trying again' };
const model = createModel({
  onChange: () => render(),
  onLink: (state) => {
    byId('link').className = 'link ' + state;
    setText(byId('link'), LINK_TEXT[state]);
  },
});
const list = createList({ model, onSelect: select });
const detail = createDetail({ model, onSelect: select });
const chart = createChart();
list.onFilter(render);
addEventListener('hashchange', () => {
  selected = fromHash();
  render();
});
// Ages in the list move on although nothing happens.
setInterval(render, 10000);
render();
`;
