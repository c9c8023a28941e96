// The folder of the local data: --data, else $QUORATE_DATA, else .quorate.
import { resolveConfig } from '../../config/resolve.ts';
import { dataFolderOf } from '../../config/target.ts';
import { withFlags } from './options.ts';

export function dataFolder(data: string | undefined): string {
  const env = withFlags(process.env, data === undefined ? {} : { data });
  return dataFolderOf(resolveConfig({ machines: {} }, env));
}
