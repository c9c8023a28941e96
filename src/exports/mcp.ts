// `quorate/mcp`: tools of MCP servers as agents. The package `@modelcontextprotocol/client` is loaded by the first call.

export type { McpAgentOptions, McpToolsOptions, ModelTool } from '../mcp/agent.ts';
export { mcpAgent, mcpTools } from '../mcp/agent.ts';
export type { McpResult, ToolCall } from '../mcp/call.ts';
export { callTool } from '../mcp/call.ts';
export { closeServer } from '../mcp/connections.ts';
export type { McpContent, McpProgress } from '../mcp/sdk-client.ts';
export type { McpEndpoint, McpHeaders, McpProgram, McpServer } from '../mcp/servers.ts';
