// A thread for drawing: a layout takes a tenth of a second and more, and the main thread holds session locks.
import { isMainThread, parentPort } from 'node:worker_threads';
import { hintOf, loadElk } from '../../common/optional-packages.ts';
import { type ChartAnswer, type ChartRequest, toChartModel } from './chart-model.ts';
import { layOut } from './layout.ts';
import { listStates } from './state-list.ts';
import { toSvg } from './svg.ts';

if (isMainThread || parentPort === null) throw new Error('this module runs in a worker thread only');
const port = parentPort;

async function answer({ id, definition }: ChartRequest): Promise<ChartAnswer> {
  try {
    const model = toChartModel(definition);
    const elk = await loadElk().catch(hintOf);
    return { id, svg: toSvg(typeof elk === 'string' ? listStates(model, elk) : await layOut(model, elk)) };
  } catch (failure) {
    return { id, error: failure instanceof Error ? failure.message : String(failure) };
  }
}

port.on('message', (request: ChartRequest) => {
  void answer(request).then((response) => port.postMessage(response));
});
