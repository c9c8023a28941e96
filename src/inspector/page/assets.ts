// What the page is made of. Strings in modules, so that the compiler alone builds the package.
import { CHART_STYLE } from '../chart/svg.ts';
import { APP_SCRIPT } from './app.ts';
import { CHART_SCRIPT } from './chart.ts';
import { DETAIL_SCRIPT } from './detail.ts';
import { DOM_SCRIPT } from './dom.ts';
import { PAGE_HTML } from './html.ts';
import { LIST_SCRIPT } from './list.ts';
import { MODEL_SCRIPT } from './model.ts';
import { STREAM_SCRIPT } from './stream.ts';
import { PAGE_STYLE } from './style.ts';
import { TREE_SCRIPT } from './tree.ts';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

const script = (body: string): Asset => ({ type: 'text/javascript', body });

const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ['/', { type: 'text/html', body: PAGE_HTML }],
  ['/style.css', { type: 'text/css', body: `${PAGE_STYLE}\n${CHART_STYLE}` }],
  ['/app.js', script(APP_SCRIPT)],
  ['/chart.js', script(CHART_SCRIPT)],
  ['/detail.js', script(DETAIL_SCRIPT)],
  ['/dom.js', script(DOM_SCRIPT)],
  ['/list.js', script(LIST_SCRIPT)],
  ['/model.js', script(MODEL_SCRIPT)],
  ['/stream.js', script(STREAM_SCRIPT)],
  ['/tree.js', script(TREE_SCRIPT)],
]);

export function pageAsset(path: string): Asset | undefined {
  return ASSETS.get(path);
}
