/** The grammar of Microsoft's "Subscription rule SQL filter syntax" and "... action syntax". */
import { EmbeddedActionsParser, type IToken } from 'chevrotain';
import {
  arithmetic,
  asExpression,
  asPredicate,
  asProperty,
  comparisonOperator,
  functionCall,
  joined,
  type Node,
  type Property,
  SqlError,
  type Statement,
  unquoted,
  withSigns,
} from './ast.ts';
import * as t from './lexer.ts';

export class SqlParser extends EmbeddedActionsParser {
  constructor() {
    super(t.tokens, { maxLookahead: 2 });
    this.performSelfAnalysis();
  }

  filter = this.RULE('filter', () => this.SUBRULE(this.disjunction));

  statements = this.RULE('statements', () => {
    const found: Statement[] = [];
    this.AT_LEAST_ONE(() => {
      found.push(this.SUBRULE(this.statement));
      this.OPTION(() =>
        this.OR([{ ALT: () => this.CONSUME(t.Semicolon) }, { ALT: () => this.CONSUME(t.Comma) }]),
      );
    });
    return found;
  });

  private statement = this.RULE(
    'statement',
    (): Statement =>
      this.OR([
        {
          ALT: () => {
            this.CONSUME(t.Set);
            const property = this.SUBRULE(this.property);
            const operator = this.CONSUME(t.Comparison);
            const value = this.SUBRULE(this.sum);
            return this.ACTION((): Statement => {
              if (operator.image !== '=')
                throw new SqlError(`'=' is expected instead of '${operator.image}'.`);
              return { kind: 'set', property: asProperty(property), value: asExpression(value) };
            });
          },
        },
        {
          ALT: (): Statement => {
            this.CONSUME(t.Remove);
            const property = this.SUBRULE1(this.property);
            return { kind: 'remove', property };
          },
        },
      ]),
  );

  private disjunction = this.RULE('disjunction', (): Node => {
    const first = this.SUBRULE(this.conjunction);
    const rest: Node[] = [];
    this.MANY(() => {
      this.CONSUME(t.Or);
      rest.push(this.SUBRULE1(this.conjunction));
    });
    return this.ACTION(() => joined('any', first, rest));
  });

  private conjunction = this.RULE('conjunction', (): Node => {
    const first = this.SUBRULE(this.negation);
    const rest: Node[] = [];
    this.MANY(() => {
      this.CONSUME(t.And);
      rest.push(this.SUBRULE1(this.negation));
    });
    return this.ACTION(() => joined('all', first, rest));
  });

  private negation = this.RULE('negation', (): Node => {
    let times = 0;
    this.MANY(() => {
      this.CONSUME(t.Not);
      times += 1;
    });
    const of = this.SUBRULE(this.comparison);
    return this.ACTION((): Node => {
      if (times === 0) return of;
      return times % 2 === 1 ? { kind: 'not', of: asPredicate(of) } : asPredicate(of);
    });
  });

  private comparison = this.RULE('comparison', (): Node => {
    const left = this.SUBRULE(this.sum);
    let found: Node = left;
    this.OPTION(() => {
      found = this.OR([
        { ALT: () => this.SUBRULE(this.relation, { ARGS: [left] }) },
        { ALT: () => this.SUBRULE(this.nullTest, { ARGS: [left] }) },
        { ALT: () => this.SUBRULE(this.membership, { ARGS: [left] }) },
      ]);
    });
    return found;
  });

  private relation = this.RULE('relation', (left: Node): Node => {
    const operator = this.CONSUME(t.Comparison);
    const right = this.SUBRULE(this.sum);
    return this.ACTION(() => ({
      kind: 'compare',
      operator: comparisonOperator(operator),
      left: asExpression(left),
      right: asExpression(right),
    }));
  });

  private nullTest = this.RULE('nullTest', (of: Node): Node => {
    this.CONSUME(t.Is);
    const negated = this.OPTION(() => this.CONSUME(t.Not)) !== undefined;
    this.CONSUME(t.Null);
    return this.ACTION(() => ({ kind: 'null', property: asProperty(of), negated }));
  });

  private membership = this.RULE('membership', (of: Node): Node => {
    const negated = this.OPTION(() => this.CONSUME(t.Not)) !== undefined;
    return this.OR([
      {
        ALT: () => {
          const items: Node[] = [];
          this.CONSUME(t.In);
          this.CONSUME(t.Open);
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => void items.push(this.SUBRULE(this.sum)) });
          this.CONSUME(t.Close);
          return this.ACTION(
            (): Node => ({ kind: 'in', of: asExpression(of), items: items.map(asExpression), negated }),
          );
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Like);
          const pattern = this.SUBRULE1(this.sum);
          const escape = this.OPTION1(() => {
            this.CONSUME(t.Escape);
            return this.SUBRULE2(this.sum);
          });
          return this.ACTION(
            (): Node => ({
              kind: 'like',
              of: asExpression(of),
              pattern: asExpression(pattern),
              escape: escape && asExpression(escape),
              negated,
            }),
          );
        },
      },
    ]);
  });

  private sum = this.RULE('sum', (): Node => {
    let left = this.SUBRULE(this.product);
    this.MANY(() => {
      const operator = this.CONSUME(t.Sign);
      const right = this.SUBRULE1(this.product);
      left = this.ACTION(() => arithmetic(operator, left, right));
    });
    return left;
  });

  private product = this.RULE('product', (): Node => {
    let left = this.SUBRULE(this.signed);
    this.MANY(() => {
      const operator = this.CONSUME(t.Times);
      const right = this.SUBRULE1(this.signed);
      left = this.ACTION(() => arithmetic(operator, left, right));
    });
    return left;
  });

  private signed = this.RULE('signed', (): Node => {
    const signs: IToken[] = [];
    this.MANY(() => void signs.push(this.CONSUME(t.Sign)));
    const of = this.SUBRULE(this.primary);
    return this.ACTION(() => withSigns(signs, of));
  });

  private primary = this.RULE(
    'primary',
    (): Node =>
      this.OR([
        {
          ALT: () => {
            this.CONSUME(t.Open);
            const inner = this.SUBRULE(this.disjunction);
            this.CONSUME(t.Close);
            return inner;
          },
        },
        {
          ALT: (): Node => {
            this.CONSUME(t.Exists);
            this.CONSUME1(t.Open);
            const property = this.SUBRULE(this.property);
            this.CONSUME1(t.Close);
            return { kind: 'exists', property };
          },
        },
        { ALT: () => this.SUBRULE(this.constant) },
        {
          ALT: (): Node => {
            const { image } = this.CONSUME(t.Parameter);
            return { kind: 'parameter', name: image };
          },
        },
        { ALT: () => this.SUBRULE(this.call) },
        { ALT: () => this.SUBRULE1(this.property) },
      ]),
  );

  private call = this.RULE('call', (): Node => {
    const name = this.CONSUME(t.Name);
    this.CONSUME(t.Open);
    const argument = this.OPTION(() => this.SUBRULE(this.sum));
    this.CONSUME(t.Close);
    return this.ACTION(() => functionCall(name.image, argument));
  });

  private property = this.RULE('property', (): Property => {
    const first = this.SUBRULE(this.identifier);
    const second = this.OPTION(() => {
      this.CONSUME(t.Dot);
      return this.SUBRULE1(this.identifier);
    });
    return this.ACTION((): Property => {
      if (second === undefined) return { kind: 'property', scope: 'user', name: first };
      const scope = first.toLowerCase();
      if (scope !== 'sys' && scope !== 'user') throw new SqlError(`The scope '${first}' is not supported.`);
      return { kind: 'property', scope, name: second };
    });
  });

  private identifier = this.RULE('identifier', (): string =>
    this.OR([
      { ALT: () => this.CONSUME(t.Name).image },
      { ALT: () => unquoted(this.CONSUME(t.Delimited), ']') },
      { ALT: () => unquoted(this.CONSUME(t.Quoted), '"') },
    ]),
  );

  private constant = this.RULE(
    'constant',
    (): Node =>
      this.OR([
        { ALT: (): Node => ({ kind: 'constant', value: unquoted(this.CONSUME(t.Text), "'") }) },
        { ALT: (): Node => ({ kind: 'constant', value: Number(this.CONSUME(t.Double).image) }) },
        {
          ALT: () => {
            const { image } = this.CONSUME(t.Long);
            return this.ACTION((): Node => ({ kind: 'constant', value: BigInt(image) }));
          },
        },
        {
          ALT: (): Node => {
            this.CONSUME(t.True);
            return { kind: 'constant', value: true };
          },
        },
        {
          ALT: (): Node => {
            this.CONSUME(t.False);
            return { kind: 'constant', value: false };
          },
        },
        {
          ALT: (): Node => {
            this.CONSUME(t.Null);
            return { kind: 'constant', value: undefined };
          },
        },
      ]),
  );
}
