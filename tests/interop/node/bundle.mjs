// A page for a browser: the React component `Chat`, which the input exports, with the major of the AI SDK that the argument
// names, as one script for an element `#root`.

import { text } from "node:stream/consumers";
import { build } from "esbuild";

const [major] = process.argv.slice(2);
const start = `
import { createRoot } from "react-dom/client";
createRoot(document.querySelector("#root")).render(<Chat />);
`;
const { outputFiles } = await build({
  stdin: { contents: (await text(process.stdin)) + start, loader: "tsx", resolveDir: import.meta.dirname },
  alias: { ai: `ai-${major}`, "@ai-sdk/react": `ai-react-${major}` },
  define: { "process.env.NODE_ENV": '"production"' },
  absWorkingDir: import.meta.dirname, // where aliases are resolved
  bundle: true,
  format: "esm",
  jsx: "automatic",
  legalComments: "none",
  logLevel: "error",
  write: false,
});
process.stdout.write(outputFiles[0].text);
