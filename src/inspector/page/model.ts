// The page's model: what the frames of the inspection protocol add up to.
export const MODEL_SCRIPT = String.raw`
// What the frames of the inspection protocol add up to. Reconnects by itself and then begins anew.
const MAX_ACTORS = 11000;
const MAX_EVENTS = 200;
const LONGEST_PAUSE_MS = 5000;

export function createModel({ onChange, onLink }) {
  const actors = new Map();
  let pause = 250;

  const touch = (actor) => {
    actors.delete(actor.id);
    actors.set(actor.id, actor);
    if (actors.size > MAX_ACTORS) actors.delete(actors.keys().next().value);
  };
  const apply = (frame) => {
    const id = frame.sessionId;
    const at = Number(frame.createdAt);
    const known = actors.get(id);
    if (frame.type === '@xstate.actor') {
      touch({
        id,
        type: id.slice(0, id.indexOf('/')),
        key: id.slice(id.indexOf('/') + 1),
        rootId: frame.rootId,
        parentId: frame.parentId,
        definition: frame.definition,
        snapshot: frame.snapshot,
        turn: frame.turn,
        costs: frame.costs,
        createdAt: at,
        changedAt: at,
        events: [],
      });
    } else if (frame.type === '@xstate.event' && known) {
      known.events.push({ at, event: frame.event, value: frame.value });
      if (known.events.length > MAX_EVENTS) known.events.shift();
    } else if (frame.type === '@xstate.snapshot' && known) {
      known.snapshot = frame.snapshot;
      known.turn = frame.turn;
      known.costs = frame.costs ?? known.costs;
      known.changedAt = at;
      touch(known);
    }
    onChange(id);
  };
  const connect = () => {
    const socket = new WebSocket('ws://' + location.host + '/');
    socket.onopen = () => {
      pause = 250;
      actors.clear();
      onLink('live');
      onChange();
    };
    socket.onmessage = ({ data }) => apply(JSON.parse(data));
    socket.onclose = () => {
      onLink('lost');
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
      setTimeout(connect, pause);
    };
  };
  connect();
  return {
    actors,
    childrenOf: (id) => [...actors.values()].filter((actor) => actor.parentId === id),
  };
}
`;
