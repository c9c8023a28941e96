/** What the tokens of a request allow. */
import type { IncomingMessage } from 'node:http';
import type { Authority } from '../access/authority.ts';
import { type Grant, permits } from '../access/grant.ts';
import { SAS_PREFIX } from '../access/shared-access-signature.ts';
import { ServiceError } from '../errors.ts';
import { adminErrors } from './errors.ts';

/** The clients for Go and Java send the token alone. */
const BEARER = /^bearer /i;
/** For the destinations of forwarding, which the other token need not speak of. */
const SUPPLEMENTARY = ['servicebussupplementaryauthorization', 'servicebusdlqsupplementaryauthorization'];

export interface Access {
  /** Manage on what the request is about. */
  readonly manages: boolean;
  /** On another queue or topic. */
  mayManage(path: string): boolean;
}

/** Throws an AdminError for a request without a token that is good for something. */
export function accessOf(authority: Authority, { headers, url = '/' }: IncomingMessage): Access {
  const grant = grantOf(authority, headers.authorization ?? '', url);
  if (grant === undefined) throw adminErrors.unauthorized('The Authorization header is missing.');
  if (grant instanceof ServiceError) throw adminErrors.unauthorized(grant.message);
  const { signedBy, rights } = grant;
  return {
    manages: permits(rights, 'Manage'),
    mayManage: (path) => {
      const wanted = path.toLowerCase();
      if (!signedBy || permits(authority.rightsOf(signedBy.keyName, signedBy.key, wanted), 'Manage'))
        return true;
      return SUPPLEMENTARY.some((name) => {
        const other = grantOf(authority, String(headers[name] ?? ''), wanted);
        return other && !(other instanceof ServiceError) && permits(other.rights, 'Manage');
      });
    },
  };
}

function grantOf(authority: Authority, token: string, resource: string): Grant | ServiceError | undefined {
  if (token === '') return undefined;
  return token.startsWith(SAS_PREFIX)
    ? authority.check('sas', token, resource)
    : authority.check('jwt', token.replace(BEARER, ''), resource);
}
