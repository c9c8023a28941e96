// Who may import whom: the borders of ARCHITECTURE.md. A test plants one violation a rule and sees it found.
// Rules name resolved paths; a type-only import counts like any other unless a rule says otherwise.

const { Visitor } = require('@swc/core/Visitor.js');

// swc reads `using`; the visitor of its syntax tree, which is no longer kept up, throws at it.
const { value: visitKnown } = Object.getOwnPropertyDescriptor(Visitor.prototype, 'visitStatement');
Visitor.prototype.visitStatement = function visitStatement(statement) {
  if (statement.type !== 'UsingDeclaration') return visitKnown.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};

const OURS = '^(src|otel|examples|test|bench|chaos|scripts|packages)/';
/** Of no package: for the tests and benches of all. */
const SHARED = '^(bench/kit/|test/kit/random\\.ts$)';
const TESTS = '^((?:packages/broker/)?test/(?:unit|integration|e2e))/';
const never = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    never(
      'no-cycles',
      'Two files that need each other are one thing, or miss a third.',
      {},
      { circular: true },
    ),
    never('no-unresolved', 'What is imported exists.', {}, { couldNotResolve: true }),
    never(
      'contract-imports-nothing',
      'The vocabulary stands alone.',
      { path: '^src/contract/' },
      { path: OURS, pathNot: '^src/contract/' },
    ),
    never(
      'machines-are-plain',
      'A factory of plain XState machines needs xstate and the vocabulary.',
      { path: '^src/machines/' },
      { pathNot: ['^src/(machines|contract)/', '(^|/)node_modules/xstate/'] },
    ),
    never(
      'pure-core',
      'No clock, no randomness, no I/O under a turn (I6), nor in the vocabulary that it is written in.',
      { path: '^src/(contract|control|machines|actors/core)/' },
      { dependencyTypes: ['core'] },
    ),
    never(
      'light-core',
      'A schema library takes 5 MB of each worker thread.',
      { path: '^src/(control|machines|actors/(core|worker))/' },
      { path: '(^|/)node_modules/zod/' },
    ),
    never(
      'control-decides',
      'Decisions about paid work need the vocabulary, and XState for the machine around them.',
      { path: '^src/control/' },
      { pathNot: ['^src/(control|contract)/', '(^|/)node_modules/xstate/'] },
    ),
    never(
      'core-stays-inside',
      'The pure core does not know the threads and hosts that run it.',
      { path: '^src/actors/core/' },
      { path: OURS, pathNot: '^src/(actors/core|machines|contract)/' },
    ),
    never(
      'machines-load-in-workers',
      'The main thread never loads a machine; factories are re-exported for the modules of users.',
      { path: '^src/', pathNot: '^src/(machines|actors/(worker|core))/|^src/index\\.ts$' },
      { path: '^src/machines/', dependencyTypesNot: ['type-only'] },
    ),
    never(
      'actors-not-to-bridge',
      'They meet in the runtime, through the ports of the contract.',
      { path: '^src/actors/' },
      { path: '^src/bridge/' },
    ),
    never(
      'bridge-not-to-actors',
      'They meet in the runtime, through the ports of the contract.',
      { path: '^src/bridge/' },
      { path: '^src/actors/' },
    ),
    never(
      'bridge-alone-speaks-azure',
      'One folder knows the SDK and its habits; Blob storage is a storage, whose client is loaded on demand.',
      {
        path: '^(src|otel|examples)/',
        pathNot: '^src/(bridge/|storage/blob-storage\\.ts$|common/optional-packages\\.ts$)',
      },
      { path: '(^|/)node_modules/@azure/' },
    ),
    never(
      'broker-stands-alone',
      'The embedded broker is a program of its own.',
      { path: '^packages/broker/src/' },
      { path: OURS, pathNot: '^packages/broker/src/' },
    ),
    never(
      'rhea-in-broker-only',
      'Everybody else speaks AMQP by way of the SDK.',
      { path: '^(src|otel|examples)/' },
      { path: '(^|/)node_modules/rhea/' },
    ),
    never(
      'broker-and-inspector-on-demand',
      'A production start loads neither: only an import() on demand reaches them.',
      { path: '^(src|otel)/', pathNot: '^src/(inspector|console)/' },
      { path: '^(packages/broker/|src/inspector/)', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    never(
      'console-on-demand',
      'A process that serves no console loads nothing of it.',
      { path: '^src/', pathNot: '^src/(console|cli)/' },
      { path: '^src/console/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    never(
      'mcp-on-demand',
      'Who has no tools of MCP servers loads nothing of it: only `quorate/mcp` and the command reach it.',
      { path: '^src/', pathNot: '^src/(mcp/|exports/mcp\\.ts$)' },
      { path: '^src/mcp/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    never(
      'mcp-sdk-by-its-adapter',
      'The SDK of MCP changes with the protocol: two files know it.',
      {
        path: '^(src|otel)/',
        pathNot: '^src/(mcp/(?:serve/)?(sdk-[a-z]+|program|http)\\.ts|common/optional-packages\\.ts)$',
      },
      { path: '(^|/)node_modules/@modelcontextprotocol/' },
    ),
    never(
      'telemetry-sdk-in-otel-only',
      'src uses the API alone; the SDK is in a package that not everybody installs.',
      { path: '^(src|examples)/' },
      { path: '(^|/)node_modules/@opentelemetry/', pathNot: '(^|/)node_modules/@opentelemetry/api/' },
    ),
    never(
      'otel-stands-alone',
      'The set-up of the SDK is a package that imports nothing of ours.',
      { path: '^otel/' },
      { path: OURS, pathNot: '^otel/' },
    ),
    never(
      'otel-on-demand',
      'The set-up is loaded only when a trace is wanted.',
      { path: '^src/' },
      { path: '^otel/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    never(
      'models-apart',
      'Who asks no model loads nothing of it: `quorate/ai` is an entry of its own.',
      { path: '^src/', pathNot: '^src/(ai/|exports/ai\\.ts$)' },
      { path: '^src/ai/' },
    ),
    never(
      'helpers-stand-low',
      'What everybody uses needs the vocabulary alone.',
      { path: '^src/(common|observability)/' },
      { path: OURS, pathNot: '^(src/(common|observability|contract)|packages/broker/src|otel)/' },
    ),
    never(
      'nobody-imports-the-cli',
      'The command line is the outermost layer.',
      { path: '^(src|otel|examples)/', pathNot: '^src/cli/' },
      { path: '^src/cli/' },
    ),
    never(
      'packages-by-their-doors',
      'Of another package its exports are known, and no file behind them.',
      { path: '^(src|examples|bench|chaos|scripts)/' },
      {
        path: [
          '^packages/broker/src/(?!(index|cli/program)\\.ts$)',
          '^otel/(?!(index|auto|id-generator|lint)\\.ts$)',
        ],
      },
    ),
    never(
      'broker-knows-no-quorate',
      'Its tests and benches need the broker alone, and what knows no package.',
      { path: '^packages/broker/' },
      { path: OURS, pathNot: ['^packages/broker/', SHARED] },
    ),
    never(
      'shared-knows-no-package',
      'What tests or benches of several packages use is of none of them.',
      { path: SHARED },
      { path: OURS, pathNot: SHARED },
    ),
    never(
      'product-not-to-its-users',
      'The product does not lean on tests, benches or examples.',
      { path: '^(src|otel|packages/broker/src)/' },
      { path: '^(test|bench|chaos|examples|scripts|packages/broker/(test|bench))/' },
    ),
    never(
      'examples-use-the-package',
      'An example sees what a user sees: the public API.',
      { path: '^examples/' },
      { path: OURS, pathNot: '^(examples/|src/(index|exports/[a-z]+|testing/index)\\.ts$)' },
    ),
    never(
      'examples-stand-alone',
      'An example is copied as a folder.',
      { path: '^examples/([^/]+)/' },
      { path: '^examples/', pathNot: '^examples/$1/' },
    ),
    never(
      'programs-stand-alone',
      'Benches, chaos and scripts are programs of their own.',
      { path: '^(bench|chaos|scripts)/' },
      { path: '^(bench|chaos|scripts|examples)/', pathNot: '^$1/' },
    ),
    never(
      'scripts-run-before-the-build',
      'They build and check the rest, so they need nothing of it.',
      { path: '^scripts/' },
      { path: OURS, pathNot: '^scripts/' },
    ),
    never(
      'tests-are-no-library',
      'What others use of tests lies in a kit.',
      { path: OURS, pathNot: TESTS },
      { path: TESTS },
    ),
    never(
      'kinds-of-tests-apart',
      'What tests of several kinds use lies in a kit.',
      { path: TESTS },
      { path: TESTS, pathNot: '^$1/' },
    ),
    never(
      'kits-stand-low',
      'What tests share does not know what else is built on it.',
      { path: '^(packages/broker/)?test/kit/' },
      { path: '^(packages/broker/)?(bench|chaos|examples|scripts)/' },
    ),
    never(
      'no-dev-dependencies',
      'What ships needs only what is installed with it.',
      // The Fastify example does not ship: whoever copies it installs Fastify.
      { path: '^(src|otel|packages/broker/src|examples)/', pathNot: '^examples/fastify/' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    ),
  ],
  options: {
    // TypeScript 7 has no compiler API yet; swc reads types-only imports as well.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/|^test/fixtures/repos/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      conditionNames: ['quorate-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
