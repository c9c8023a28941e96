// SAS rules of an entity, as the administration API writes and reads them.
import { randomBytes } from 'node:crypto';
import type { AccessRight, AuthorizationRule } from '../topology.ts';
import { adminErrors } from './errors.ts';
import { given } from './fields.ts';
import type { Element, Node } from './xml.ts';

const RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];
const MAX_RULES = 12;
const MAX_KEY_NAME = 256;

export function readAuthorizationRules(node: Node): AuthorizationRule[] | undefined {
  const list = node.child('AuthorizationRules');
  if (!list) return undefined;
  const rules = list.children('AuthorizationRule').map(readRule);
  if (rules.length > MAX_RULES) {
    throw adminErrors.badRequest(`An entity has at most ${MAX_RULES} authorization rules.`);
  }
  if (new Set(rules.map(({ keyName }) => keyName)).size < rules.length) {
    throw adminErrors.badRequest('Two authorization rules have the same key name.');
  }
  return rules;
}

function readRule(node: Node): AuthorizationRule {
  const keyName = node.text('KeyName') ?? '';
  if (keyName === '' || keyName.length > MAX_KEY_NAME) {
    throw adminErrors.badRequest(`A KeyName has 1 to ${MAX_KEY_NAME} characters.`);
  }
  const named = (node.child('Rights')?.children('AccessRights') ?? []).map((right) => right.content().trim());
  const rights = named.map((name) => {
    const right = RIGHTS.find((each) => each === name);
    if (!right) throw adminErrors.badRequest(`'${name}' is not one of the rights ${RIGHTS.join(', ')}.`);
    return right;
  });
  if (rights.length === 0) throw adminErrors.badRequest(`The rule '${keyName}' grants no rights.`);
  if (rights.includes('Manage') && new Set(rights).size < RIGHTS.length) {
    throw adminErrors.badRequest('Manage permission should also include Send and Listen.');
  }
  return given<AuthorizationRule>({
    keyName,
    rights,
    primaryKey: node.text('PrimaryKey') || drawKey(),
    secondaryKey: node.text('SecondaryKey') || drawKey(),
    createdTime: node.text('CreatedTime'),
    modifiedTime: node.text('ModifiedTime'),
  });
}

export function writeAuthorizationRules(rules: readonly AuthorizationRule[]): Element {
  if (rules.length === 0) return {};
  return {
    AuthorizationRule: rules.map((rule) => ({
      '@i:type': 'SharedAccessAuthorizationRule',
      ClaimType: 'SharedAccessKey',
      ClaimValue: 'None',
      Rights: { AccessRights: rule.rights.map((right) => ({ '#': right })) },
      CreatedTime: rule.createdTime,
      ModifiedTime: rule.modifiedTime,
      KeyName: rule.keyName,
      PrimaryKey: rule.primaryKey,
      SecondaryKey: rule.secondaryKey,
    })),
  };
}

function drawKey(): string {
  return randomBytes(32).toString('base64');
}
